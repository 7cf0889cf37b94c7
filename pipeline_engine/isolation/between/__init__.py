"""What the engine and a child speak: messages, and how contexts, answers and errors travel."""
