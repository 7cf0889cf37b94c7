"""The program of a child, the walls that it puts up around itself, and its view of the engine."""
