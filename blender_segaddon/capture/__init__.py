"""Scene → exact maps, out of one render. The user's scene is left as it was, also after an error or a cancel."""

from __future__ import annotations

from .background import CaptureJob, start_capture
from .capturing import capture, capture_views, iterate_views
from .coverage import add_coverage, check_samples
from .evidence import class_of
from .fingerprint import fingerprint
from .framing import add_framing_camera, remove_camera, second_camera
from .outlines import FineLook, add_outlines
from .scene_maps import MAX_SIZE
from .sequel import Sequel
from .stored_camera import is_seen_through, stored_camera

__all__ = [
    "MAX_SIZE",
    "CaptureJob",
    "FineLook",
    "Sequel",
    "add_coverage",
    "add_framing_camera",
    "add_outlines",
    "capture",
    "capture_views",
    "check_samples",
    "class_of",
    "fingerprint",
    "is_seen_through",
    "iterate_views",
    "remove_camera",
    "second_camera",
    "start_capture",
    "stored_camera",
]
