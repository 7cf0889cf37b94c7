"""What an index is made of: ``signing``, then ``records`` (of a release), then ``index``."""
