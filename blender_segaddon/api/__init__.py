"""The scripting interface; the buttons call the same functions.

In Blender, whatever repository the add-on was installed from::

    seg = bpy.context.scene.seg

or, with what is of no scene (classes, the server, the interface of panels)::

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
from ..client.installing import Machine, Task, Wanted, accelerators, detect, disk_for, download_size
from ..core.maps import SceneMaps
from ..core.naming import ClassMatch
from ..core.quality import Finding, Report
from ..flows.baking import BakeJob
from ..flows.errands import Errand
from ..flows.generating import Connection
from ..flows.jobs import Job
from ..flows.masking import Mask
from ..flows.meaning import Group
from ..flows.picture import Picture
from ..flows.sending import Unfinished
from ..flows.showing import Reference
from ..flows.storing import Storing
from ..flows.views import Coverage
from ..protocol.errors import SegAddonError
from ..protocol.messages import ModelInfo, ServerState
from ..texturing import Placement
from . import handlers
from .baking import apply_bake, bake, export_usd, has_bakes, plan_bake, remove_bake, start_bake
from .image_overlay import (
    Layer,
    Shown,
    image_overlay_is_shown,
    redraw_image_overlay,
    set_image_overlay,
    show_image_overlay,
)
from .installing import (
    carries_server,
    install_server,
    installation,
    installation_state,
    pull_model,
    remove_server,
)
from .look_assets import LOOK_FIELDS, LOOK_TAG, apply_look, looks, save_look
from .masking import (
    alpha_mask,
    everything,
    known_segmenters,
    look_ahead,
    mask_image,
    painted_mask,
    prepare_masks,
    seen_in,
    segment,
    segmenters,
    start_segment,
)
from .meaning import class_mapping, class_of, describe, scene_vocabulary, set_class, set_face_class, set_text, unclassed
from .on_scene import SceneFunctions, of_scene
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
from .pictures import (
    as_picture,
    find_picture,
    forget_pictures,
    generate,
    record_of,
    regenerate,
    save,
    styles,
    variation,
)
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
    start_update,
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
from .retouching import (
    accept,
    configure_storing,
    extend,
    history,
    inpaint,
    patch_render,
    remove,
    render_patch,
    set_render_patch,
    start_extend,
    start_remove,
)
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
    loras,
    models,
    resume,
    server_state,
    unfinished,
)
from .views import (
    coverage,
    coverage_image,
    next_view,
    repaint_view,
    replace_view,
    start_next_view,
    start_repaint_view,
    start_suggest_cameras,
    suggest_cameras,
)

__all__ = [
    "DEFAULT_CONNECTION",
    "LOOK_FIELDS",
    "LOOK_TAG",
    "BakeJob",
    "CaptureJob",
    "ClassMatch",
    "Connection",
    "Coverage",
    "Errand",
    "Finding",
    "Group",
    "Job",
    "Layer",
    "Machine",
    "Mask",
    "ModelInfo",
    "Overlay",
    "OverlaySettings",
    "Picture",
    "Placement",
    "Reference",
    "Rendered",
    "Report",
    "SceneFunctions",
    "SceneMaps",
    "SegAddonError",
    "Sequel",
    "ServerState",
    "Shown",
    "Storing",
    "Task",
    "Thing",
    "Unfinished",
    "Wanted",
    "about_placement",
    "accelerators",
    "accept",
    "add_camera",
    "alpha_mask",
    "apply_bake",
    "apply_look",
    "as_picture",
    "attend_server",
    "backdrop",
    "bake",
    "capture",
    "capture_views",
    "carries_server",
    "check_server",
    "class_mapping",
    "class_of",
    "compositor_input",
    "configure",
    "configure_storing",
    "coverage",
    "coverage_image",
    "describe",
    "detect",
    "discard",
    "disk_for",
    "download_size",
    "end_server",
    "everything",
    "export_dataset",
    "export_maps",
    "export_usd",
    "extend",
    "find_picture",
    "find_unfinished",
    "forget_pictures",
    "forget_renders",
    "free_gpu",
    "generate",
    "handlers",
    "has_bakes",
    "has_server",
    "hide_overlay",
    "history",
    "image_overlay_is_shown",
    "image_plane",
    "inpaint",
    "install_server",
    "installation",
    "installation_state",
    "known_segmenters",
    "leave_server",
    "lend_gpu",
    "look_ahead",
    "looks",
    "loras",
    "map_images",
    "maps_of",
    "mask_image",
    "models",
    "next_view",
    "of_scene",
    "overlay",
    "painted_mask",
    "patch_render",
    "picture_of",
    "placements",
    "plan_bake",
    "prepare_masks",
    "project",
    "pull_model",
    "quality",
    "record_of",
    "redraw_image_overlay",
    "redraw_overlay",
    "reference",
    "refresh_overlay",
    "regenerate",
    "remove",
    "remove_bake",
    "remove_placement",
    "remove_server",
    "render_patch",
    "render_status",
    "render_with_maps",
    "repaint_view",
    "replace_view",
    "resume",
    "save",
    "save_look",
    "scene_vocabulary",
    "seen_in",
    "segment",
    "segmenters",
    "server_state",
    "set_class",
    "set_face_class",
    "set_image_overlay",
    "set_lighting",
    "set_render_patch",
    "set_text",
    "show_image_overlay",
    "show_overlay",
    "show_placement",
    "start_bake",
    "start_capture",
    "start_extend",
    "start_next_view",
    "start_remove",
    "start_repaint_view",
    "start_segment",
    "start_suggest_cameras",
    "start_update",
    "styles",
    "suggest_cameras",
    "unclassed",
    "unfinished",
    "update",
    "use_camera_of",
    "variation",
    "watch_renders",
]
