"""Maps against rays, pixel by pixel: what differs must lie on an edge."""

from __future__ import annotations

import numpy as np

from blender_segaddon.capture import capture
from blender_segaddon.core.maps import SceneMaps

from .raycast import Caster

SIZE = (96, 54)
EDGE = 0.02
"""A pixel is on an edge if its answer changes within this distance of its centre, in pixels."""
DEPTH = 1e-4
"""relative"""
NORMAL = 0.5
"""degrees"""


def check(scene, size=SIZE, see_through=None, prototypes=(), turn=NORMAL, **settings) -> SceneMaps:
    """Capture ``scene`` and compare ids, depth and normals with rays; at least one instance must be seen.

    Args:
        turn: how many degrees normals may be off.
    """
    maps = capture(scene, size=size, **settings)
    compare(maps, Caster(scene, settings.get("camera") or scene.camera, size, see_through, prototypes), turn)
    return maps


def compare(maps: SceneMaps, caster: Caster, turn: float = NORMAL) -> None:
    """Ids equal, depth within ``DEPTH``, normals within ``turn`` at every pixel that is on no edge."""
    hits = caster.hits()
    known = {(one.instancer, one.object, one.library, one.persistent_id): one.id for one in maps.instances}
    table = np.array([0, *(known.get(identity, -1) for identity in hits.identities)])
    expected = table[hits.index + 1]
    assert (expected > 0).any()
    world = maps.normal @ maps.camera.matrix_world[:3, :3].T
    for row, column in np.ndindex(expected.shape):
        at = row, column
        right = maps.instance_map[at] == expected[at]
        if right and expected[at] > 0:
            right = abs(maps.depth[at] / hits.depth[at] - 1) <= DEPTH and _angle(world[at], hits.normal[at]) <= turn
        elif right:
            right = np.isinf(maps.depth[at]) and not maps.normal[at].any()
        assert right or _on_edge(caster, at, hits), _said(maps, hits, world, at)


def _angle(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.degrees(2 * np.arcsin(min(np.linalg.norm(one - other) / 2, 1))))


def _on_edge(caster: Caster, at, hits) -> bool:
    """Whether object, face or depth change within ``EDGE`` of the pixel's centre."""
    index, depth, normal = hits.index[at], hits.depth[at], hits.normal[at]
    for x, y in ((-EDGE, 0), (EDGE, 0), (0, -EDGE), (0, EDGE), (-EDGE, -EDGE), (EDGE, EDGE)):
        near = caster.shoot(at[1] + 0.5 + x, at[0] + 0.5 + y)
        if near[0] != index or (index >= 0 and (_angle(near[2], normal) > NORMAL or abs(near[1] / depth - 1) > 0.02)):
            return True
    return False


def _said(maps, hits, world, at) -> str:
    seen = maps.instances[maps.instance_map[at] - 1].object if maps.instance_map[at] else "background"
    truth = hits.identities[hits.index[at]] if hits.index[at] >= 0 else "background"
    return (
        f"pixel {at}: {seen} {maps.depth[at]:.6g} {world[at]}, rays say {truth} {hits.depth[at]:.6g} {hits.normal[at]}"
    )
