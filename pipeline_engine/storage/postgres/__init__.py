"""Connections, transactions and prepared statements."""
