"""Webhooks: doors for third parties, who prove themselves by a secret and start a pipeline.

Reading order: refusals, view, stored, secrets, saving, last_known, keeping, spooling, door,
deliveries, trial.
"""
