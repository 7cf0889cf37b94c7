"""The parts of the battery, each followed by a look at every invariant."""
