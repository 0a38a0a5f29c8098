"""Noise to start a picture from in which each thing is one.

A small model takes the broad waves of plain noise for colours: a wall comes out in patches, a sky in blots. Here what
is broad is one value for each thing, so that it is drawn in one colour, another with each seed; what is fine stays.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from blender_segaddon.core.maps import SceneMaps

_BROAD = 2.0
"""Sigma in latent pixels beyond which waves are broad: blots are gone at 1.5, and at 4 they are still seen."""
_OWN = 0.1
"""What things differ by, of the noise's deviation; at .2 they leave their classes' colours."""
_LYING = 0.7
"""Cosine to the vertical up to which a surface is ground: a road in many pieces is one road."""


def even_noise(maps: SceneMaps, channels: int, cell: int, generator: torch.Generator) -> torch.Tensor:
    """Noise for a picture of the maps' size: float32 1×channels×H/cell×W/cell, of about unit deviation.

    Args:
        maps: at the size that is drawn, H and W multiples of the cell.
        cell: pixels of a picture along one of its latents.
    """
    ids, classes, normal = (one[::cell, ::cell] for one in (maps.instance_map, maps.class_map, maps.normal))
    noise = torch.randn((1, channels, *ids.shape), generator=generator)
    fine = noise - _blurred(noise)
    up = normal @ maps.camera.matrix_world[2, :3].astype(np.float32)
    groups = np.where(up > _LYING, -1 - classes.astype(np.int64), ids.astype(np.int64))
    _, thing = np.unique(groups, return_inverse=True)
    own = torch.randn((int(thing.max()) + 1, channels), generator=generator) * _OWN
    return fine / fine.std() + own[torch.from_numpy(thing.reshape(groups.shape))].permute(2, 0, 1)[None]


def _blurred(noise: torch.Tensor) -> torch.Tensor:
    reach = min(int(3 * _BROAD), *(side - 1 for side in noise.shape[2:]))
    wave = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * _BROAD**2))
    kernel = (wave / wave.sum()).expand(noise.shape[1], 1, 1, -1)
    rows = F.conv2d(F.pad(noise, (reach, reach, 0, 0), mode="reflect"), kernel, groups=noise.shape[1])
    turned = F.pad(rows, (0, 0, reach, reach), mode="reflect")
    return F.conv2d(turned, kernel.transpose(2, 3), groups=noise.shape[1])
