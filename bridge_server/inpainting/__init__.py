"""Painting under a mask: what is drawn where, and how it comes back into the picture. Imported by the worker alone."""
