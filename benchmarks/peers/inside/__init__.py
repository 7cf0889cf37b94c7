"""What runs in the environment of a peer: the standard library, the peer, and ``work``."""
