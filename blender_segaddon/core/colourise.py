"""Maps as pictures. Only ``semantic_image`` and ``normal_image`` follow a convention that models rely on;
the others are for the eye. All results are uint8 H×W×3, row 0 at the top."""

from __future__ import annotations

import colorsys

import numpy as np

from .maps import BACKGROUND, NO_CLASS
from .vocabulary import Vocabulary

_BACKGROUND_COLOR = (12, 12, 14)
_GOLDEN_RATIO = 0.6180339887498949


def semantic_image(class_map: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """The exact palette colour of every class; ``NO_CLASS`` (and ids beyond the vocabulary) black.

    Args:
        class_map: uint16 H×W.
    """
    table = np.zeros((NO_CLASS + 1, 3), np.uint8)
    table[: len(vocabulary)] = vocabulary.palette
    return table[class_map]


def instance_image(instance_map: np.ndarray) -> np.ndarray:
    """A colour of its own for every instance, the same for the same id in every picture; background near-black.

    Args:
        instance_map: unsigned H×W; 0 = background.
    """
    ids, where = np.unique(instance_map, return_inverse=True)
    table = np.array([instance_color(int(one)) for one in ids], np.uint8).reshape(-1, 3)
    return table[where.reshape(instance_map.shape)]


def instance_color(id: int) -> tuple[int, int, int]:
    """sRGB 0..255 of an instance id: hues by the golden ratio, so that neighbours in number are far apart."""
    if id == BACKGROUND:
        return _BACKGROUND_COLOR
    hue = (id * _GOLDEN_RATIO) % 1.0
    # Two slow cycles of their own lengths keep ids whose hues meet apart by lightness and saturation.
    value = (0.95, 0.72, 0.84, 0.60)[id % 4]
    saturation = (0.55, 0.75, 0.40)[id % 3]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def depth_image(depth: np.ndarray) -> np.ndarray:
    """Inverse depth, near bright and far dark (as MiDaS and depth ControlNets have it); background black.

    The range runs from the 1st to the 99th percentile of what is seen, so one far or near object does not flatten it.

    Args:
        depth: float H×W; inf = background.
    """
    seen = np.isfinite(depth) & (depth > 0)
    inverse = np.zeros(depth.shape, np.float32)
    np.divide(1.0, depth, out=inverse, where=seen)
    if not seen.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    sample = inverse[seen]
    low, high = np.percentile(sample[:: max(1, sample.size // 100_000)], (1, 99))
    # 20..255: what is farthest still differs from the background. One flat depth is plain bright.
    span = high - low
    bright = (inverse - low) / span if span > 1e-6 * high else np.ones_like(inverse)
    gray = np.where(seen, 20 + 235 * np.clip(bright, 0, 1), 0).round().astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def normal_image(normal: np.ndarray) -> np.ndarray:
    """Camera-space normals as n·0.5+0.5: x right → red, y up → green, z towards the camera → blue.

    That is the common (OpenGL, ControlNet 1.0 "normal map") orientation; a plane facing the camera is (128, 128, 255),
    and the background is painted like one. normalbae (ControlNet 1.1) has red to the left: give it 255 - red.

    Args:
        normal: float H×W×3, unit; 0 = background.
    """
    image = np.clip(np.rint(normal * 127.5 + 127.5), 0, 255).astype(np.uint8)
    image[~normal.any(axis=2)] = (128, 128, 255)
    return image
