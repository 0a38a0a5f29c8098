"""Pictures by tiny-scenes as the server draws them, for the evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.messages import GenerateRequest, ModelOptions
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs
from bridge_server.models import catalogue
from bridge_server.models.loading import Device

ID = "tiny-scenes"


def load(folder: Path | None = None) -> Diffusion:
    """The model as the server loads it: the shipped one, or that of a folder with a models.toml."""
    folders = [] if folder is None else [folder]
    return Diffusion(catalogue.load(folders)[ID], folders, Device("cpu", half=False))


def draw(model: Diffusion, maps: SceneMaps, prompt: str, seed: int = 1, **options: float) -> np.ndarray:
    """uint8 H×W×3 of the maps' size."""
    request = GenerateRequest(ID, prompt=prompt, seed=seed, options=ModelOptions(**options))  # pyright: ignore[reportArgumentType]
    return model.make(Inputs(request, maps, None, None), seed, lambda *_, **__: None)


def tiles(rows: Sequence[Sequence[np.ndarray]], gap: int = 4) -> np.ndarray:
    """Pictures of one size side by side and below each other, uint8."""
    height, width = rows[0][0].shape[:2]
    sheet = np.full((len(rows) * (height + gap) - gap, len(rows[0]) * (width + gap) - gap, 3), 255, np.uint8)
    for i, row in enumerate(rows):
        for j, one in enumerate(row):
            top, left = i * (height + gap), j * (width + gap)
            sheet[top : top + height, left : left + width] = one
    return sheet
