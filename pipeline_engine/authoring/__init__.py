"""What authors of actions use before the engine runs them: a new package, a trial, a check.

Reading order: names, new_package; finding, sources, trial_engine, trial; findings, inspection.
"""
