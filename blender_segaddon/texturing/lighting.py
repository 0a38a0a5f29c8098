"""Changes how the surfaces of a projection are lit, and measures what light they have.

A surface that catches shadows shows picture / E as a diffuse colour, where E is the light that a white surface has
there before real objects come: what a renderer then shows is picture · (light with them / light without), which is the
picture wherever they change nothing (differential rendering, Debevec 1998). Both are rendered with the same materials,
so bounces and lamps of any kind are in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

import bpy
import numpy as np

from ..protocol.errors import InvalidInput, SceneError
from . import shading
from .images import data_image
from .placement import Placement, group_of, note_lighting
from .projection import LIGHT, image_nodes
from .render import render_light

_NOISE = 0.2
"""Share of the light up to which what the denoiser changes is taken for noise, beyond for an edge that it blurred."""
_DARK = 0.5
"""Share of the median light below which the picture shines by itself, the more the darker: where only faint light
arrives, nothing tells a shadow, and all is noise."""


def set_lighting(
    scene: bpy.types.Scene,
    placement: Placement,
    lighting: str,
    camera: bpy.types.Object,
    *,
    real: Collection[str] = (),
    samples: int = 128,
) -> Placement:
    """Let a projection that stands on the scene be lit in another way; gives it as it is now.

    Args:
        lighting: one of ``shading.LIGHTINGS``.
        camera: sees what the picture's camera saw; in no need of a collection.
        real: names of objects whose shadows are to be caught; all that comes later casts them too.
        samples: rays a pixel for the measured light (shadows only).

    Raises:
        InvalidInput: unknown lighting, or no projection.
        SceneError: no light reaches the picture's surfaces (shadows only).
        CaptureError: Blender could not measure the light.
    """
    shading.check(lighting)
    group = group_of(placement)
    if group is None or placement.kind != "projection":
        raise InvalidInput(f"'{placement.name}' is no projection", "Choose a picture that is on objects")
    plain = next(node.image for node in image_nodes(group) if LIGHT in node.image)
    if lighting == "shadows":
        light = _measured(scene, group, placement.lighting, camera, (plain.size[0], plain.size[1]), real, samples)
        shading.set_shading(group, lighting, data_image(f"{placement.name} light", _answer(light)))
    else:
        shading.set_shading(group, lighting)
    return note_lighting(replace(placement, lighting=lighting))


def _answer(light: np.ndarray) -> np.ndarray:
    """float32 H×W×4: what the picture is multiplied with to become the colour of a surface in this light, and the part
    of the picture that shines by itself."""
    brightest = light.max(axis=-1, keepdims=True)
    dark = _DARK * float(np.median(brightest[brightest > 0]))
    lit = np.minimum(brightest / dark, 1.0)
    factor = lit / np.maximum(light, np.maximum(0.02 * brightest, 1e-6))
    return np.concatenate([factor, 1 - lit], axis=-1).astype(np.float32)


def _measured(
    scene: bpy.types.Scene,
    group: bpy.types.NodeTree,
    lighting: str,
    camera: bpy.types.Object,
    size: tuple[int, int],
    real: Collection[str],
    samples: int,
) -> np.ndarray:
    """float32 H×W×3: the light that a white surface sends to the camera at each pixel."""
    shading.set_shading(group, "white")
    try:
        with _without(scene, real):
            plain = render_light(scene, camera, size, samples)
            smooth = render_light(scene, camera, size, samples, denoised=True)
    finally:
        shading.set_shading(group, "unlit" if lighting == "shadows" else lighting)
    light = np.where(np.abs(smooth - plain) <= _NOISE * plain.max(axis=-1, keepdims=True), smooth, plain)
    exposure = float(scene.cycles.film_exposure) or 1.0
    if not (light > 0).any():
        raise SceneError("No light reaches the surfaces of the picture", "Add a light, or choose unlit")
    return np.maximum(light, 0) / exposure


@contextmanager
def _without(scene: bpy.types.Scene, names: Collection[str]) -> Iterator[None]:
    """Objects are not rendered for the time being."""
    hidden = [one for one in scene.objects if one.name in names and not one.hide_render]
    for one in hidden:
        one.hide_render = True
    try:
        yield
    finally:
        for one in hidden:
            one.hide_render = False
