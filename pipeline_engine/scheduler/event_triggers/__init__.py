"""What event triggers make of events: the rows decide, messages and the clock only wake.

Reading order: ``decide`` (one trigger, locked, and what it was offered), ``look`` (what the clock
and the sweep find).
"""
