"""Actions that tell a test what was really done, by a ledger that survives their process."""
