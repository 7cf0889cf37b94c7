"""A package, so that a fixture can end with the last test of the folder."""
