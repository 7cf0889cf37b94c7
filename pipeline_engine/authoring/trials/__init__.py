"""One run of one action, without servers.

Reading order: trial (what is seen), log, engine, items, run.
"""
