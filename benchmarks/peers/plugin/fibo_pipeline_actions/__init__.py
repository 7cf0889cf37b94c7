"""The work of the comparison as actions of this engine, found by ``PYTHONPATH``."""
