"""Control flow: what needs no other service."""
