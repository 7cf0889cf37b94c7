"""The example actions of the older guides, as they stand there; only import lines differ."""
