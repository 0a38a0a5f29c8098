"""Models in the worker process: which are loaded, and the memory that they share with Blender."""
