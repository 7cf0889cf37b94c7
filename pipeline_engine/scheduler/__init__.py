"""The heart: what a finished step sets free, who runs it, and what to do when that was lost.

Read in this order: ``run`` (one turn of a worker), ``outcomes`` (what became of an attempt),
``advance`` (what that sets free), ``compile`` (ready steps become Celery canvas), ``sweep``.
"""
