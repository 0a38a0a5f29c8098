"""The scripting interface; the buttons call the same functions.

In Blender::

    from bl_ext.user_default.blender_segaddon import api as seg

next to the bpy wheel::

    from blender_segaddon import api as seg

and then::

    maps = seg.capture()
    picture = seg.generate("a harbour at dawn", maps=maps)[0]
    seg.project(picture)
    mask = seg.segment(picture, points=[(512, 300)])[0]
    seg.project(seg.inpaint(picture, mask, "a red brick wall")[0])

Functions block until they are done. Pictures and arrays are display-referred sRGB with row 0 at the top; a parameter
``picture`` takes a ``Picture``, a Blender image or an array H×W×3 or H×W×4 (uint8, or floats in 0..1).
Every error is a ``SegAddonError`` whose text says what to do.
"""

from __future__ import annotations

from ..capture import CaptureJob, Sequel
from ..core.maps import SceneMaps
from ..core.naming import ClassMatch
from ..core.quality import Finding, Report
from ..flows.baking import BakeJob
from ..flows.generating import Connection
from ..flows.jobs import Job
from ..flows.masking import Mask
from ..flows.meaning import Group
from ..flows.picture import Picture
from ..flows.sending import Unfinished
from ..flows.views import Coverage
from ..protocol.errors import SegAddonError
from ..protocol.messages import ServerState
from ..texturing import Placement
from .baking import apply_bake, bake, plan_bake, remove_bake, start_bake
from .meaning import class_mapping, class_of, describe, scene_vocabulary, set_class, set_face_class, set_text, unclassed
from .overlay import (
    Overlay,
    OverlaySettings,
    Thing,
    hide_overlay,
    overlay,
    redraw_overlay,
    refresh_overlay,
    show_overlay,
)
from .pictures import find_picture, forget_pictures, generate, regenerate, styles
from .placing import (
    about_placement,
    backdrop,
    compositor_input,
    image_plane,
    picture_of,
    placements,
    project,
    reference,
    remove_placement,
    set_lighting,
    show_placement,
    update,
    use_camera_of,
)
from .rendering import (
    Rendered,
    forget_renders,
    maps_of,
    render_status,
    render_with_maps,
    watch_renders,
)
from .retouching import inpaint, remove, segment
from .scene_maps import (
    add_camera,
    capture,
    capture_views,
    export_dataset,
    export_maps,
    map_images,
    quality,
    start_capture,
)
from .server import (
    DEFAULT_CONNECTION,
    attend_server,
    check_server,
    configure,
    discard,
    end_server,
    find_unfinished,
    free_gpu,
    has_server,
    leave_server,
    lend_gpu,
    resume,
    server_state,
    unfinished,
)
from .views import coverage, coverage_image, next_view, repaint_view, replace_view, suggest_cameras

__all__ = [
    "DEFAULT_CONNECTION",
    "BakeJob",
    "CaptureJob",
    "ClassMatch",
    "Connection",
    "Coverage",
    "Finding",
    "Group",
    "Job",
    "Mask",
    "Overlay",
    "OverlaySettings",
    "Picture",
    "Placement",
    "Rendered",
    "Report",
    "SceneMaps",
    "SegAddonError",
    "Sequel",
    "ServerState",
    "Thing",
    "Unfinished",
    "about_placement",
    "add_camera",
    "apply_bake",
    "attend_server",
    "backdrop",
    "bake",
    "capture",
    "capture_views",
    "check_server",
    "class_mapping",
    "class_of",
    "compositor_input",
    "configure",
    "coverage",
    "coverage_image",
    "describe",
    "discard",
    "end_server",
    "export_dataset",
    "export_maps",
    "find_picture",
    "find_unfinished",
    "forget_pictures",
    "forget_renders",
    "free_gpu",
    "generate",
    "has_server",
    "hide_overlay",
    "image_plane",
    "inpaint",
    "leave_server",
    "lend_gpu",
    "map_images",
    "maps_of",
    "next_view",
    "overlay",
    "picture_of",
    "placements",
    "plan_bake",
    "project",
    "quality",
    "redraw_overlay",
    "reference",
    "refresh_overlay",
    "regenerate",
    "remove",
    "remove_bake",
    "remove_placement",
    "render_status",
    "render_with_maps",
    "repaint_view",
    "replace_view",
    "resume",
    "scene_vocabulary",
    "segment",
    "server_state",
    "set_class",
    "set_face_class",
    "set_lighting",
    "set_text",
    "show_overlay",
    "show_placement",
    "start_bake",
    "start_capture",
    "styles",
    "suggest_cameras",
    "unclassed",
    "unfinished",
    "update",
    "use_camera_of",
    "watch_renders",
]
