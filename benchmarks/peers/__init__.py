"""The engine beside its peers, each in an environment of its own: ``make bench-peers``.

Nothing of a peer is in the product, its locks or its tests; the files in ``inside/`` are run by
the Python of the peer's environment and import nothing of the product.
"""
