"""Simulations of deployments."""
