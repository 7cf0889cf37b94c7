"""What goes in and out, by noun. Field names are those that clients of the reference know."""
