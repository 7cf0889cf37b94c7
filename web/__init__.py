"""Everything that speaks HTTP; it knows the engine's services, settings and errors only."""
