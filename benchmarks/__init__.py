"""How fast the engine is, told as ratios to raw Celery and to plain Flask: ``make bench``.

Rates depend on the machine and on what else it does; a ratio that was taken inside one run, on
the same servers, worker processes, pools, queues and transport options, hardly does.
"""
