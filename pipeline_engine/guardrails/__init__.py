"""The guardrail deployment workflow: twelve steps, three pipelines, and its own rows.

It is a client of the engine in the same process. Read ``steps.py`` and ``machine.py`` for the
rules, ``workflows.py`` for what a request does, and ``following.py`` for how a workflow hears that
an execution has ended.
"""
