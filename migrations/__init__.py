"""The schema's history, run by Alembic (``pipeline-engine db upgrade``).

A package so that it can be installed; nobody imports it.
"""
