"""PostgreSQL: the record. Models by noun, the hot-path SQL, and the one writer of statuses."""
