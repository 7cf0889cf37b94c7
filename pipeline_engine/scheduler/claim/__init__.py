"""One turn of a worker: lock what is queued, run it, write down what became of it."""
