"""Scene → exact maps, out of one render. The user's scene is left as it was, also after an error or a cancel."""

from __future__ import annotations

from .capturing import capture, capture_views
from .evidence import class_of
from .framing import add_framing_camera, remove_camera, second_camera
from .scene_maps import MAX_SIZE

__all__ = ["MAX_SIZE", "add_framing_camera", "capture", "capture_views", "class_of", "remove_camera", "second_camera"]
