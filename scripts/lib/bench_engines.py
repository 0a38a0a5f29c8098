"""One way to make maps, timed in a Blender of its own; ``scripts.bench_maps`` starts it once for each figure.

    python -m scripts.lib.bench_engines ENGINE SCENE WIDTHxHEIGHT OUT.npz [PEERS]

Writes seconds, peak memory above what Blender with the open scene takes, and how many of the sampled pixels are right.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from blender_segaddon.capture import add_framing_camera, capture, capture_views
from blender_segaddon.core.exr_reading import read_channels

from . import heavy_scene
from .example_scenes import build_street

Size = tuple[int, int]
Ids = np.ndarray
"""any type, H×W: one value for each thing, as this way tells them apart"""

_SAMPLED = 96
"""columns of pixels that are compared with rays"""


def open_scene(name: str) -> bpy.types.Scene:
    """ "modest", "heavy", or a file. A scene without a camera is given one."""
    if name in ("modest", "heavy"):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        (build_street if name == "modest" else heavy_scene.build_heavy)()
    elif name.endswith(".blend"):
        bpy.ops.wm.open_mainfile(filepath=name)
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.import_scene.gltf(filepath=name)
    scene = bpy.context.scene
    if scene.camera is None:
        add_framing_camera(scene)
    return scene


def ours(scene: bpy.types.Scene, size: Size, engine: str = "cycles") -> tuple[float, Ids]:
    """All four maps; after a tiny capture, since the vocabulary and the words are read once in a session (0.2 s)."""
    capture(scene, size=(16, 9), engine=engine)
    start = time.perf_counter()
    maps = capture(scene, size=size, engine=engine)
    return time.perf_counter() - start, maps.instance_map


def ours_again(scene: bpy.types.Scene, size: Size) -> tuple[float, Ids]:
    """All four maps after the camera moved: a capture like the first one."""
    capture(scene, size=size)
    scene.camera.location.x += 0.01
    return ours(scene, size)


def ours_next_view(scene: bpy.types.Scene, size: Size) -> tuple[float, Ids]:
    """All four maps, each further view of ``capture_views``: (four views - one view) / 3."""
    times = []
    for count in (1, 4):
        start = time.perf_counter()
        maps = capture_views(scene, [scene.camera] * count, size=size)
        times.append(time.perf_counter() - start)
    return (times[1] - times[0]) / 3, maps[-1].instance_map


def blenderproc_ids(scene: bpy.types.Scene, size: Size) -> tuple[float, Ids]:
    """Ids alone, by its ``render_segmap``."""
    segment, _ = _blenderproc(scene, size)
    start = time.perf_counter()
    found = segment.render_segmap(map_by=["instance", "name"])
    return time.perf_counter() - start, found["instance_segmaps"][0]


def blenderproc(scene: bpy.types.Scene, size: Size) -> tuple[float, Ids]:
    """Depth and normals by its ``render``, ids by its ``render_segmap``; one sample."""
    segment, renderer = _blenderproc(scene, size)
    start = time.perf_counter()
    renderer.set_max_amount_of_samples(1)
    renderer.set_noise_threshold(0)
    renderer.set_denoiser(None)
    renderer.enable_depth_output(activate_antialiasing=False)
    renderer.enable_normals_output()
    renderer.render()
    found = segment.render_segmap(map_by=["instance", "name"])
    return time.perf_counter() - start, found["instance_segmaps"][0]


def _blenderproc(scene: bpy.types.Scene, size: Size):
    """Its own code, driven inside this Blender (its launcher would download one); what its ``init`` sets up."""
    os.environ["OUTSIDE_OF_THE_INTERNAL_BLENDER_PYTHON_ENVIRONMENT_BUT_IN_RUN_SCRIPT"] = "1"
    from blenderproc.python.renderer import RendererUtility, SegMapRendererUtility  # pyright: ignore
    from blenderproc.python.utility.Utility import Utility  # pyright: ignore

    Utility.temp_dir = tempfile.mkdtemp(prefix="bench-")
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.frame_start, scene.frame_end = 0, 1
    scene.view_layers[0].name = "ViewLayer"
    if scene.world is None:
        scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = scene.use_nodes = True
    RendererUtility.render_init()
    scene.cycles.device = "CPU"
    return SegMapRendererUtility, RendererUtility


def bpycv(scene: bpy.types.Scene, size: Size) -> tuple[float, Ids]:
    """bpycv's materials and settings (render_utils.py, material_utils.py of 1.0.0): emission of one colour for each
    object, one sample, OpenEXR MultiLayer of 32 bits without compression, read back."""
    start = time.perf_counter()
    for number, one in enumerate([each for each in bpy.data.objects if each.type in ("MESH", "CURVE")], start=1):
        material = bpy.data.materials.new(f"auto.inst_material.{number}")
        material.use_nodes = True
        nodes = material.node_tree.nodes
        nodes.clear()
        emission, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
        emission.inputs[0].default_value = (number, number, number, 1)
        material.node_tree.links.new(emission.outputs[0], output.inputs[0])
        one.data.materials.clear()
        one.data.materials.append(material)
    channels = _through_exr(scene, size)
    red = next(values for name, values in channels.items() if name.endswith("Combined.R"))
    return time.perf_counter() - start, np.round(red).astype(np.int64)


def object_index(scene: bpy.types.Scene, size: Size) -> tuple[float, Ids]:
    """An ordinary render of one sample with Object Index, Depth and Normal as OpenEXR MultiLayer, read back."""
    start = time.perf_counter()
    for number, one in enumerate(bpy.data.objects, start=1):
        one.pass_index = number
    layer = bpy.context.view_layer
    layer.use_pass_object_index = layer.use_pass_normal = True
    channels = _through_exr(scene, size)
    found = next(values for name, values in channels.items() if name.split(".")[-2] in ("IndexOB", "Object Index"))
    return time.perf_counter() - start, found.astype(np.int64)


def _through_exr(scene: bpy.types.Scene, size: Size) -> dict[str, np.ndarray]:
    render = scene.render
    render.engine, render.film_transparent, render.use_motion_blur = "CYCLES", True, False
    render.resolution_x, render.resolution_y, render.resolution_percentage = *size, 100
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = 1, False, "CPU"
    bpy.context.view_layer.use_pass_z = True
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR_MULTILAYER", "32", "NONE"
    with tempfile.TemporaryDirectory() as folder:
        render.filepath, render.use_file_extension = f"{folder}/maps.exr", False
        bpy.ops.render.render(write_still=True)
        return read_channels(Path(folder, "maps.exr"))


ENGINES: dict[str, Callable[[bpy.types.Scene, Size], tuple[float, Ids]]] = {
    "cycles": ours,
    "cycles again": ours_again,
    "next view": ours_next_view,
    "passes": lambda scene, size: ours(scene, size, "passes"),
    "blenderproc": blenderproc,
    "blenderproc ids": blenderproc_ids,
    "bpycv": bpycv,
    "object index": object_index,
}


def things_hit(scene: bpy.types.Scene, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """By Blender's own ray casting: (pixels N×2 as row, column; which thing, int N, -1 for background)."""
    scene.render.resolution_x, scene.render.resolution_y = size
    depsgraph = bpy.context.evaluated_depsgraph_get()
    camera = scene.camera.evaluated_get(depsgraph)
    corners = np.array([tuple(one) for one in camera.data.view_frame(scene=scene)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    rotation, origin = camera.matrix_world.to_3x3().normalized(), camera.matrix_world.translation
    step = max(size[0] // _SAMPLED, 1)
    pixels = np.array([(y, x) for y in range(step // 2, size[1], step) for x in range(step // 2, size[0], step)])
    names: dict[tuple, int] = {}
    found = []
    for y, x in pixels:
        place = low + (high - low) * ((x + 0.5) / size[0], 1 - (y + 0.5) / size[1], 0)
        direction = rotation @ type(origin)(place)
        hit, *_, one, matrix = scene.ray_cast(depsgraph, origin, direction)
        key = (one.original.name, tuple(np.array(matrix).round(5).ravel())) if hit else None
        found.append(names.setdefault(key, len(names)) if hit else -1)
    return pixels, np.array(found)


def share_right(ids: np.ndarray, things: np.ndarray) -> float:
    """Share of pixels whose thing has one id, and whose id stands for no other thing (0..1)."""
    right = np.zeros(len(ids), bool)
    for thing in np.unique(things):
        where = things == thing
        values, counts = np.unique(ids[where], return_counts=True)
        mine = values[counts.argmax()]
        owners, shares = np.unique(things[ids == mine], return_counts=True)
        if owners[shares.argmax()] == thing:
            right |= where & (ids == mine)
    return float(right.mean())


def _warm_up(scene: bpy.types.Scene) -> None:
    """Blender's first render loads what all of them need; of an empty scene."""
    empty = bpy.data.scenes.new("Empty")
    empty.camera = scene.camera
    empty.render.engine, empty.cycles.samples, empty.cycles.device = "CYCLES", 1, "CPU"
    empty.render.resolution_x = empty.render.resolution_y = 8
    bpy.ops.render.render(scene=empty.name)
    bpy.data.scenes.remove(empty)


def main() -> None:
    engine, name, size, out, *peers = sys.argv[1:]
    sys.path += peers
    width, height = map(int, size.split("x"))
    scene = open_scene(name)
    pixels, things = things_hit(scene, (width, height)) if engine not in ("cycles again",) else (None, None)
    _warm_up(scene)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, ids = ENGINES[engine](scene, (width, height))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    right = np.nan if pixels is None else share_right(ids[pixels[:, 0], pixels[:, 1]], things)
    np.savez(out, seconds=seconds, peak_mib=peak / 1024, right=right)
    sys.stdout.flush()
    os._exit(0)  # the bpy wheels may crash in the interpreter's own end


if __name__ == "__main__":
    main()
