"""Jobs: what they are, the queue that holds them, the worker process and the runner that brings the two together."""
