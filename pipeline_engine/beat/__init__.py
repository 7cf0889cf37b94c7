"""The alarm clock: ``python -m pipeline_engine.beat`` rings for the sweep and for the clean-up.

It knows the broker and the names of two tasks: no database, no action, no row.
"""
