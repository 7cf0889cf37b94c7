"""Actions of a package that nobody has vouched for."""
