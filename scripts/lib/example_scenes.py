"""The scenes that the project makes itself: nothing to download, and the same on every machine and Blender version.

Each builder works in the current file, which must be empty (``scene_files.fresh_file``), takes well under a second and
returns the scene with a camera, lights and a world. Lengths in metres. No two objects share a plane where they
overlap, so every pixel has one owner.
"""

from .room import build_room
from .street import build_street

__all__ = ["build_room", "build_street"]
