"""What a webhook demands of a request, and what it makes of one; pure.

Reading order: config, addresses, proofs, bodies, mapping.
"""
