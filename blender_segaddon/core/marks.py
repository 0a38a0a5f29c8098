"""Custom properties by which parts of the add-on know each other's work."""

PICTURE_MARK = "seg_projection"
"""On node groups that put a picture on a surface and on nodes that use them: what is below decides on its shape."""

PASSING_MARK = "segaddon_stand_in"
"""Custom property of scenes, materials and groups that are there for a moment: an undo, or a file that was saved then,
may bring them back, and they are removed."""
