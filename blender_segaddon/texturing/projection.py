"""Pictures onto objects: projected in the shader from the camera that the maps were captured with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import bpy
import numpy as np

from ..core.maps import Instance, SceneMaps
from ..protocol.errors import InvalidInput, SceneError
from . import linked, locking, shading, surfaces
from .colour import emitted
from .evidence import Files, columns_of, files
from .images import data_file_image, data_image, read_image
from .placement import Placement, free_name, group_of, record, take_out
from .projector import GAMMA, Fine, build_projector
from .shading import LIGHT


def project(
    scene: bpy.types.Scene,
    linear: np.ndarray,
    maps: SceneMaps,
    *,
    objects: Sequence[bpy.types.Object | str] | None = None,
    lighting: str = "unlit",
    share: np.ndarray | None = None,
    lock: bool = False,
    soft: float = 0.0,
    name: str = "Picture",
) -> Placement:
    """Put a picture on what the camera of ``maps`` saw; everything else keeps its own surface.

    Args:
        linear: float32 H×W×3, scene-linear (``colour.to_scene_linear(...).pixels``), of the maps' size.
        objects: only on these (objects or names; an instancer stands for all that it makes).
        lighting: "unlit" or "lit", see ``shading.LIGHTINGS``; "shadows" is for ``lighting.set_lighting`` afterwards.
        share: float32 H×W, 0..1: how much it takes of surfaces that earlier pictures are on, from ``blending.share``;
            None: it covers them.
        lock: the picture goes with objects that move later; else it stays where it is in the world.
        soft: width in pixels of the picture's border over which it fades into what was there.
        name: a readable name; numbered where it is taken.
    Raises:
        InvalidInput: wrong size, lighting, border or objects.
        SceneError: nothing that the maps show can be painted.
    """
    shading.check(lighting)
    if not 0 <= soft < np.inf:
        raise InvalidInput(f"A border of {soft} pixels cannot fade", "Choose 0 or more")
    check_size(linear, maps)
    chosen = _chosen(maps, objects)
    title = free_name(scene, f"Seg Projection {name}")
    linked.make_local(scene, {one.object for one in chosen})
    keys = linked.keys(scene, chosen)
    hidden = list(_beyond_slots(scene, {one.object for one in chosen}))  # before Blender has to evaluate anything anew
    colours = data_image(f"{title} picture", with_share(stored(emitted(linear, scene)), _faded(maps, share, soft)))
    colours[LIGHT] = True
    known = files(maps, keys)
    seen = data_file_image(f"{title} evidence", known.seen)
    number = locking.free_number() if lock else None
    group = build_projector(title, maps.camera, colours, seen, _fine(title, maps, known), number)
    group[surfaces.GROUP_MARK] = True
    lighting = "unlit" if lighting == "shadows" else lighting
    shading.set_shading(group, lighting)
    try:
        skipped = _paint({one.object for one in chosen}, group, hidden)
        _mark({one.object: keys[one.id] for one in chosen if one.id in keys and not one.instancer})
        if number is not None:
            locking.write(group, number, chosen)
        missing = {one.object for one in chosen if one.id not in keys}
        skipped = tuple(sorted(skipped | missing))
        if not surfaces.painted({group}):
            raise SceneError("No surface could take the picture", f"Could not paint: {', '.join(skipped[:5])}")
        asked = None if objects is None else tuple(one if isinstance(one, str) else one.name for one in objects)
        placement = Placement(
            title, "projection", scene.name, skipped, asked, share is not None, True, lighting, lock, soft
        )
        record(scene, placement, group)
    except BaseException:
        take_out(group)
        raise
    return placement


def _fine(title: str, maps: SceneMaps, known: Files) -> Fine | None:
    """The maps' outlines as images."""
    found = maps.outlines
    if found is None or not known.parts:
        return None
    columns = columns_of(found)
    size = columns * found.factor, -(-(len(found.ids) + 1) // columns) * found.factor
    index, parts = (
        data_file_image(f"{title} {name}", file) for name, file in (("blocks", known.index), ("outlines", known.parts))
    )
    return Fine(index, parts, size, found.factor, columns)


def reshare(placement: Placement, share: np.ndarray) -> None:
    """Change how much a picture takes of surfaces that earlier ones are on; ``share`` as in ``project``."""
    group = group_of(placement)
    nodes = [] if group is None else [node for node in image_nodes(group) if LIGHT in node.image]
    for old in {node.image for node in nodes}:
        # swapped whole: Blender's undo does not bring back pixels that were set in place
        new = data_image(old.name, with_share(read_image(old)[..., :3], share))
        new[LIGHT] = True
        for node in nodes:
            node.image = new
        name = old.name
        bpy.data.images.remove(old)
        new.name = name


def image_nodes(group: bpy.types.NodeTree) -> Iterator[bpy.types.Node]:
    """The image nodes of a group and of the groups in it."""
    for node in group.nodes:
        if node.type == "TEX_IMAGE" and node.image:
            yield node
    for inner in {node.node_tree for node in group.nodes if node.type == "GROUP" and node.node_tree}:
        yield from image_nodes(inner)


def with_share(stored: np.ndarray, share: np.ndarray | None) -> np.ndarray:
    """float32 H×W×3, or H×W×4 with a share, as ``build_projector`` wants its picture."""
    return stored if share is None else np.dstack([stored, share.astype(np.float32)])


def _faded(maps: SceneMaps, share: np.ndarray | None, soft: float) -> np.ndarray | None:
    """The share, less towards the border of the picture."""
    if not soft:
        return share
    rows, columns = (np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5 for n in (maps.height, maps.width))
    ramp = np.clip(np.minimum(rows[:, None], columns[None]) / soft, 0, 1).astype(np.float32)
    return ramp if share is None else ramp * share


def stored(light: np.ndarray) -> np.ndarray:
    """Light as the image of a projection holds it."""
    return np.maximum(light, 0) ** np.float32(1 / GAMMA)


def check_size(linear: np.ndarray, maps: SceneMaps) -> None:
    """Raises InvalidInput where a picture is not H×W×3 of the maps' size."""
    if linear.shape != (maps.height, maps.width, 3):
        raise InvalidInput(
            f"The picture is {' × '.join(map(str, linear.shape))}, the capture {maps.height} × {maps.width} × 3",
            "Resize the picture or capture again at its size",
        )


def _chosen(maps: SceneMaps, objects: Sequence[bpy.types.Object | str] | None) -> list[Instance]:
    if not maps.instances:
        raise SceneError("The capture shows no object", "Capture from a camera that sees one")
    if objects is None:
        return list(maps.instances)
    names = {one if isinstance(one, str) else one.name for one in objects}
    chosen = [one for one in maps.instances if one.object in names or one.instancer in names]
    if not chosen:
        raise InvalidInput(f"The capture shows none of: {', '.join(sorted(names))}", "Choose objects that it shows")
    return chosen


Shown = tuple[bpy.types.Object, list[bpy.types.Material]]


def _paint(names: set[str], group: bpy.types.NodeTree, hidden: Sequence[Shown]) -> set[str]:
    """Put the group into every material of the named objects, and into those that ``_beyond_slots`` found; gives the
    names of those that could not take it."""
    replaced = linked.replaced()
    known = [one for one in bpy.data.objects if linked.name_of(one) in names and one not in replaced]
    skipped = names - {linked.name_of(one) for one in known}  # deleted or renamed since the capture
    for one in known:
        if not hasattr(one.data, "materials"):
            continue
        if one.library is not None or (not one.material_slots and one.data.library is not None):
            skipped.add(one.name)
            continue
        if not all([_paint_material(material, group) for material in surfaces.writable(one)]):
            skipped.add(one.name)
    for one, materials in hidden:
        if not all([surfaces.takes_groups(material) and _paint_material(material, group) for material in materials]):
            skipped.add(one.name)
    return skipped


def _mark(keys: Mapping[str, float]) -> None:
    """Write each object's key on it, so that it is known by another name too."""
    for one in bpy.data.objects:
        if one.library is None and one.name in keys:
            one[surfaces.KEY] = keys[one.name]


def _paint_material(material: bpy.types.Material, group: bpy.types.NodeTree) -> bool:
    """Whether the material shows the group now."""
    taken = surfaces.insert(material.node_tree, group)
    if taken:
        surfaces.lights_nothing(material)
    return taken


def _beyond_slots(scene: bpy.types.Scene, names: set[str]) -> Iterator[Shown]:
    """(original object, original materials that its geometry shows from no slot of its own) for each named object, once
    per geometry: geometry nodes set such materials."""
    done = set()
    for instance in linked.evaluated(scene).object_instances:
        one = instance.object
        if getattr(one.data, "materials", None) is None or linked.name_of(one.original) not in names:
            continue
        mark = (one.original, one.data.as_pointer())
        if mark in done:
            continue
        done.add(mark)
        own = {slot.material for slot in one.original.material_slots}
        shown = {slot.material.original for slot in one.material_slots if slot.material}
        if shown - own:
            yield one.original, [material for material in shown if material not in own]
