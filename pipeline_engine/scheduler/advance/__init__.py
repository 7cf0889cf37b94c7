"""What the end of a step sets free, and how an execution ends."""
