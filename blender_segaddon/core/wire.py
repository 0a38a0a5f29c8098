"""The maps of a scene to the wire and back."""

from __future__ import annotations

import numpy as np

from ..protocol.errors import InvalidInput
from ..protocol.framing import Body, BodyWriter
from ..protocol.messages import CameraModel, Region, SceneInput
from .camera import Camera
from .maps import NO_CLASS, Instance, SceneMaps
from .vocabulary import Vocabulary, available, is_builtin, load


def scene_to_wire(maps: SceneMaps, writer: BodyWriter) -> SceneInput:
    """Add the maps' arrays to ``writer`` and describe them: what a generator needs, no names of objects.

    A vocabulary of the user's own travels as ADE20K, which servers know; what has no class there, as text.
    """
    told = {one.id: one.class_name or "" for one in maps.instances}
    if not is_builtin(maps.vocabulary):
        maps = maps.in_vocabulary("ade20k")
    camera = maps.camera
    return SceneInput(
        instance_map=writer.add(maps.instance_map, compress=True),
        class_map=writer.add(maps.class_map, compress=True),
        depth=writer.add(maps.depth),
        normal=writer.add(maps.normal),
        regions=tuple(Region(one.id, one.class_id, _text(one, told[one.id])) for one in maps.instances),
        camera=CameraModel(
            type=camera.type,
            width=camera.width,
            height=camera.height,
            clip_start=camera.clip_start,
            clip_end=camera.clip_end,
            matrix_world=tuple(camera.matrix_world.ravel().tolist()),
            projection_matrix=tuple(camera.projection_matrix.ravel().tolist()),
            pano_range=tuple(camera.pano_range),
        ),
        vocabulary=maps.vocabulary,
        background=maps.background,
        unit_scale=maps.unit_scale,
    )


def _text(one: Instance, told: str) -> str:
    """The artist's words, else the name of a class that the wire's vocabulary lacks."""
    return one.text or (told if one.class_id == NO_CLASS else "")


def scene_from_wire(scene: SceneInput, body: Body) -> SceneMaps:
    """The maps that ``scene_to_wire`` sent; instances carry id, class_id and text, the rest of them is empty.

    The arrays are read-only. Raises InvalidInput where bytes and description disagree, or the vocabulary is not known.
    """
    instance_map = body.array(scene.instance_map)
    highest = int(instance_map.max())
    if highest > len(scene.regions):
        raise InvalidInput(f"The instance map holds {highest}, the last region is {len(scene.regions)}", "Describe all")
    depth, normal = body.array(scene.depth), body.array(scene.normal)
    if np.isnan(depth).any() or not np.isfinite(normal).all():
        raise InvalidInput("The depth or normal map holds values that are no numbers", "Capture the scene again")
    class_map = body.array(scene.class_map)
    if not is_builtin(scene.vocabulary):  # never a file of this machine because somebody else names it
        raise InvalidInput(f"Unknown vocabulary {scene.vocabulary!r}", f"Choose one of: {', '.join(available())}")
    _check_classes(class_map, load(scene.vocabulary))
    return SceneMaps(
        instance_map=instance_map,
        class_map=class_map,
        depth=depth,
        normal=normal,
        instances=tuple(_instance(region) for region in scene.regions),
        camera=_camera(scene.camera),
        vocabulary=scene.vocabulary,
        background=scene.background,
        unit_scale=scene.unit_scale,
    )


def _check_classes(class_map: np.ndarray, vocabulary: Vocabulary) -> None:
    highest = int(np.max(class_map, where=class_map != NO_CLASS, initial=0))
    if highest >= len(vocabulary):
        raise InvalidInput(
            f"The class map holds {highest}", f"{vocabulary.name} has the classes 0 to {len(vocabulary) - 1}"
        )


def _camera(model: CameraModel) -> Camera:
    data = {name: getattr(model, name) for name in CameraModel.__dataclass_fields__}
    return Camera.from_dict({**data, "pano_range": model.pano_range or Camera.pano_range})


def _instance(region: Region) -> Instance:
    return Instance(
        id=region.id,
        object="",
        matrix_world=(),
        class_name=None,
        class_id=region.class_id,
        class_source="",
        text=region.text,
        pixels=0,
        bbox=(0, 0, 0, 0),
    )
