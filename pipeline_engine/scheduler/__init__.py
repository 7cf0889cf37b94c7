"""The heart: what a finished step sets free, who runs it, and what to do when that was lost.

Read it as an execution goes: ``start``, ``claim`` (a worker's turn), ``actions`` (the only place
where foreign code runs), ``advance`` (what an end sets free), ``outbox`` (ready rows become Celery
canvas), ``resume`` (what a parked step goes on with), ``sweep``. Imports point the other way:
``docs/concepts/how-an-execution-advances.md`` names the rooms and the functions to begin with.
"""
