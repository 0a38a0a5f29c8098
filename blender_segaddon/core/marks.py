"""Custom properties by which parts of the add-on know each other's work."""

PICTURE_MARK = "seg_projection"
"""On node groups that put a picture on a surface and on nodes that use them: what is below decides on its shape."""
