"""Two actions of a company that is called Acme: one that ends by itself, one that waits."""
