"""What authors of actions use before the engine runs them: a new package, a trial, a check.

Reading order: names, new_package; sources, finding, trials; findings, inspection.
"""
