"""What makes the pictures. Imported by the worker process alone."""
