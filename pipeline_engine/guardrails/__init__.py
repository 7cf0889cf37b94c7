"""The guardrail deployment workflow: twelve steps, three pipelines, and its own rows.

It is a client of the engine in the same process. ``rules/`` has the rules, ``submission.py`` says
what a request does, ``settling.py`` what is known of a workflow at any moment, and
``following.py`` how it hears that an execution has ended. ``workflows.py`` is the door.
"""
