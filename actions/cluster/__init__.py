"""Clusters: look at them, make and delete them."""
