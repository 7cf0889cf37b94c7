"""A stranger's package of actions, as the tests install it."""
