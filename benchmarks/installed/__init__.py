"""Rows about what is installed: how long it takes to find many actions, and to list them."""
