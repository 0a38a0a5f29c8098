"""What ``raycast`` sees, as maps: for tests of what is made from maps."""

from __future__ import annotations

import bpy
import numpy as np

from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import NO_CLASS, Instance, SceneMaps

from . import raycast
from .raycast import depsgraph_of


def camera_of(scene: bpy.types.Scene, size: tuple[int, int], camera: bpy.types.Object | None = None) -> Camera:
    one = (camera or scene.camera).evaluated_get(depsgraph_of(scene))
    matrix = np.array(one.matrix_world.normalized(), np.float64)
    data = one.data
    projection = np.eye(4)
    if data.type != "PANO":
        projection = np.array(one.calc_matrix_camera(depsgraph_of(scene), x=size[0], y=size[1]), np.float64)
    return Camera(data.type, *size, data.clip_start, data.clip_end, matrix, projection, one.name)


def rays_of(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """World-space (origins, directions), each H×W×3; a direction's length is one unit of depth."""
    rotation = camera.matrix_world[:3, :3]
    ones = np.ones((camera.height, camera.width))
    directions = camera.rays() @ rotation.T
    return camera.world_points(ones) - directions, directions


def cast_maps(scene: bpy.types.Scene, size: tuple[int, int], camera: bpy.types.Object | None = None) -> SceneMaps:
    """What a capture gives, without classes."""
    bpy.context.view_layer.update()
    source, hits = camera_of(scene, size, camera), raycast.cast(scene, camera or scene.camera, size)
    visible = np.unique(hits.index[hits.index >= 0])
    ids = np.zeros(len(hits.identities) + 1, np.uint32)
    ids[visible + 1] = np.arange(1, len(visible) + 1)
    instance_map = ids[hits.index + 1]
    return SceneMaps(
        instance_map=instance_map,
        class_map=np.full(instance_map.shape, NO_CLASS, np.uint16),
        depth=hits.depth.astype(np.float32),
        normal=(hits.normal @ source.matrix_world[:3, :3]).astype(np.float32),
        instances=tuple(_instance(hits, row, int(ids[row + 1]), instance_map) for row in visible.tolist()),
        camera=source,
    )


def _instance(hits: raycast.Hits, row: int, number: int, instance_map: np.ndarray) -> Instance:
    instancer, name, library, persistent_id = hits.identities[row]
    rows, columns = np.nonzero(instance_map == number)
    return Instance(
        id=number,
        object=name,
        matrix_world=tuple(hits.matrices[row].ravel().tolist()),
        class_name=None,
        class_id=NO_CLASS,
        class_source="none",
        text="",
        pixels=len(rows),
        bbox=(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1),
        instancer=instancer,
        persistent_id=persistent_id,
        key=hits.keys[row],
        library=library,
    )
