"""Noise to start a picture from in which each thing is one.

A small model takes the broad waves of plain noise for colours: a wall comes out in patches, a sky in blots. Here what
is broad is one value for each thing, so that it is drawn in one colour, another with each seed; what is fine stays.
Only for models whose latents are pixels: others have learnt to take a picture's layout from those waves.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from blender_segaddon.core.maps import NO_CLASS, SceneMaps

from .panorama import closes

_BROAD = 2.0
"""Sigma in latent pixels beyond which waves are broad: blots are gone at 1.5, and at 4 they are still seen."""
_OWN = 0.1
"""What things differ by, of the noise's deviation; at .2 they leave their classes' colours."""
_LYING = 0.7
"""Cosine to the vertical from which on a surface lies: what lies and is of one class is one, as a road in pieces."""


def even_noise(maps: SceneMaps, channels: int, generator: torch.Generator) -> torch.Tensor:
    """float32 1×channels×H×W of about unit deviation, for latents that are pixels of these maps."""
    noise = torch.randn((1, channels, maps.height, maps.width), generator=generator)
    fine = noise - _blurred(noise, closes(maps.camera))
    up = maps.normal @ maps.camera.matrix_world[2, :3].astype(np.float32)
    lying = (up > _LYING) & (maps.class_map != NO_CLASS)
    groups = np.where(lying, -1 - maps.class_map.astype(np.int64), maps.instance_map.astype(np.int64))
    _, thing = np.unique(groups, return_inverse=True)
    own = torch.randn((int(thing.max()) + 1, channels), generator=generator) * _OWN
    return fine / fine.std().clamp(min=1e-3) + own[torch.from_numpy(thing.reshape(groups.shape))].permute(2, 0, 1)[None]


def _blurred(noise: torch.Tensor, closed: bool) -> torch.Tensor:
    """Without what is fine; as beyond a mirror at the borders, or around where left and right meet."""
    count, (height, width) = noise.shape[1], noise.shape[2:]
    across, down = (min(int(3 * _BROAD), side - 1) for side in (width, height))
    rows = F.pad(noise, (across, across, 0, 0), mode="circular" if closed else "reflect")
    rows = F.conv2d(rows, _wave(across).expand(count, 1, 1, -1), groups=count)
    columns = F.pad(rows, (0, 0, down, down), mode="reflect")
    return F.conv2d(columns, _wave(down)[:, None].expand(count, 1, -1, 1), groups=count)


def _wave(reach: int) -> torch.Tensor:
    wave = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * _BROAD**2))
    return wave / wave.sum()
