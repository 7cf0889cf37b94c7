"""A small OpenID Connect issuer, to try sign-in with JWTs on one machine (docs/howto/sign-in.md).

Its keys, its documents and its tokens are real. It asks nobody for a password: whoever reaches it
gets a token for any subject with any role. So it listens on this machine only.
"""
