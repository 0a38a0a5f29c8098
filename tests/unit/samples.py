"""Small maps made by hand, for tests of what works on maps."""

from __future__ import annotations

import numpy as np

from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import NO_CLASS, Instance, SceneMaps
from blender_segaddon.core.vocabulary import load


def camera(width: int = 8, height: int = 6) -> Camera:
    """A perspective camera at (1, 2, 3) with a field of view of 90°, looking down."""
    world = np.eye(4)
    world[:3, 3] = (1, 2, 3)
    projection = np.array([[1, 0, 0, 0], [0, width / height, 0, 0], [0, 0, -1.002, -0.2], [0, 0, -1, 0]], float)
    return Camera("PERSP", width, height, 0.1, 100.0, world, projection, "Camera")


def instance(id: int, class_name: str | None, pixels: int, vocabulary: str = "ade20k") -> Instance:
    class_id = NO_CLASS if class_name is None else load(vocabulary).lookup(class_name).id
    return Instance(
        id=id,
        object=f"Object {id}",
        matrix_world=tuple(np.eye(4).ravel().tolist()),
        class_name=class_name,
        class_id=class_id,
        class_source="object name",
        text="",
        pixels=pixels,
        bbox=(0, 0, 1, 1),
        persistent_id=(id, 7),
        key=(0.25, 1.5, -2.0),
    )


def maps(*classes: tuple[str | None, int], vocabulary: str = "ade20k") -> SceneMaps:
    """Maps of 8×6 pixels whose instances have these classes and (claimed) pixel counts."""
    instances = tuple(instance(i + 1, name, pixels, vocabulary) for i, (name, pixels) in enumerate(classes))
    ids = (np.arange(48) % (len(classes) + 1)).reshape(6, 8).astype(np.uint32)
    class_ids = np.array([2, *(one.class_id for one in instances)], np.uint16)
    depth = np.where(ids == 0, np.inf, 1.0 + ids).astype(np.float32)
    normal = np.where(ids[..., None] == 0, 0.0, (0.0, 0.6, 0.8)).astype(np.float32)
    return SceneMaps(ids, class_ids[ids], depth, normal, instances, camera(), vocabulary, frame=12, scene="Scene")
