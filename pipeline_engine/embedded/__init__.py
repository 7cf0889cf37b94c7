"""A whole stack on one machine: real PostgreSQL and Valkey from wheels, and a supervisor.

Nothing here is a stand-in: the servers are the ones that production runs, started by us.
"""
