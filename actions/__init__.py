"""The work that steps can do; every action is one file and knows the sdk only."""
