"""The other side: what the actions of a wheel say (``reading``), then its index (``folder``)."""
