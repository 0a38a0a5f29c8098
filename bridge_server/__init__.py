"""The bridge server: takes picture jobs over a local socket and runs them in a worker process of its own."""
