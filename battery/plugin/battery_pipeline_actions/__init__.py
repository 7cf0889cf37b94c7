"""Actions that write down every effect they have, in a file that survives all processes."""
