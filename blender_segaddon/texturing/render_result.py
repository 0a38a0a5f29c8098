"""The pixels of Blender's Render Result, which Python cannot read: through a temporary multilayer EXR."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ..core.exr_reading import read_channels
from ..protocol.errors import InvalidInput

_HINT = "Render with F12 first"


@dataclass(frozen=True, eq=False)
class Render:
    """What the last render of a scene left."""

    pixels: np.ndarray
    """float32 H×W×4, scene-linear, alpha premultiplied, row 0 at the top; after the compositor where there is one"""
    passes: dict[str, np.ndarray]
    """all channels by name ("ViewLayer.Depth.Z"), float32 H×W each"""


def read_render(scene: bpy.types.Scene) -> Render:
    """The Render Result of a scene as it is, in 32 bits, with its passes; nothing is rendered again.

    Raises:
        InvalidInput: the scene has not been rendered in this session.
    """
    image = next((one for one in bpy.data.images if one.type == "RENDER_RESULT"), None)
    if image is None:
        raise InvalidInput("There is no render yet", _HINT)
    with tempfile.TemporaryDirectory(prefix="seg-") as folder, _as_exr(scene):
        path = Path(folder) / "render.exr"
        try:
            # The render is looked up by this very scene: a copy with settings of its own has none.
            image.save_render(str(path), scene=scene)
        except RuntimeError as error:
            raise InvalidInput(f"Scene '{scene.name}' has no render to read", _HINT) from error
        passes = read_channels(path)
    return Render(_combined(passes), passes)


def _combined(passes: dict[str, np.ndarray]) -> np.ndarray:
    layers = [name.removesuffix(".Combined.R") for name in passes if name.endswith(".Combined.R")]
    if not layers:
        raise InvalidInput("The render has no Combined pass", "Turn it on in the view layer and render again")
    layer = "Composite" if "Composite" in layers else layers[0]
    colour = [passes[f"{layer}.Combined.{one}"] for one in "RGB"]
    alpha = passes.get(f"{layer}.Combined.A", np.ones_like(colour[0]))
    return np.stack([*colour, alpha], axis=-1)


@contextmanager
def _as_exr(scene: bpy.types.Scene) -> Iterator[None]:
    """The scene's file settings set to what we can read, and back."""
    file = scene.render.image_settings
    wanted = {
        "media_type": "MULTI_LAYER_IMAGE",  # since 5.0; goes first
        "file_format": "OPEN_EXR_MULTILAYER",
        "color_mode": "RGBA",
        "color_depth": "32",
        "exr_codec": "NONE",
    }
    names = [name for name in wanted if hasattr(file, name)]
    before = {name: getattr(file, name) for name in names}
    try:
        for name in names:
            setattr(file, name, wanted[name])
        yield
    finally:
        for name in names:
            setattr(file, name, before[name])
