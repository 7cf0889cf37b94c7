"""Deployments of models: make, delete, scale and limit them."""
