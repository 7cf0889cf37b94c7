"""Stand-ins for budapp, budcluster and budsim: one small HTTP process with its state in memory.

They are no mock-up of what those services compute.  They behave as callers must expect of them:
slow answers, events out of order, doubled or too early, and jobs that fail.
"""
