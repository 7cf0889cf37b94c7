"""A revision made ready to run: its steps, and the rows that each execution begins with."""
