"""The only place where foreign code runs: what an action is given, and what it answers."""
