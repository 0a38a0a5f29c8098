"""Pictures of maps that no painter made: plain colours, simple light and patterns, as block-outs and renders have."""

from __future__ import annotations

import numpy as np

from blender_segaddon.core.maps import SceneMaps

_F = np.float32


def shade(maps: SceneMaps, random: np.random.Generator) -> np.ndarray:
    """uint8 H×W×3: every instance in a colour and perhaps a pattern of its own, under a sun."""
    points = np.nan_to_num(maps.camera.world_points(maps.depth), posinf=0, neginf=0).astype(_F)
    normal = maps.normal @ maps.camera.matrix_world[:3, :3].T.astype(_F)
    count = len(maps.instances) + 1
    colours = _colours(random, count)
    alike = random.random(count) < 0.4  # things of one class often look alike
    by_class = _colours(random, 256)
    first = np.zeros(count, int)
    first[maps.instance_map.ravel()] = maps.class_map.ravel()
    colours[alike] = by_class[np.minimum(first[alike], 255)]
    picture = colours[maps.instance_map] * (1 + _patterns(points, maps.instance_map, random, count)[..., None])
    sun = random.normal(size=3)
    sun[2] = abs(sun[2]) + 0.3
    facing = np.clip(normal @ (sun / np.linalg.norm(sun)).astype(_F), 0, 1)
    ambient = random.uniform(0.25, 0.75)
    light = (ambient + (1 - ambient) * facing * random.uniform(0.8, 1.4))[..., None]
    picture = np.where((maps.depth < np.inf)[..., None], picture * light, _sky(maps, random))
    haze = 1 - np.exp(-np.minimum(maps.depth, 1e4) * random.choice([0, 0, 0.003, 0.02]))[..., None]
    picture = picture + (picture[:3].mean(axis=(0, 1)) - picture) * haze.astype(_F)
    picture = np.clip(picture, 0, 1) ** random.uniform(0.6, 1.3) + random.normal(0, 0.01, picture.shape)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _colours(random: np.random.Generator, count: int) -> np.ndarray:
    grey = random.uniform(0.1, 0.95, (count, 1))
    return np.clip(grey + random.normal(0, random.uniform(0, 0.3), (count, 3)), 0.02, 1).astype(_F)


def _sky(maps: SceneMaps, random: np.random.Generator) -> np.ndarray:
    top, bottom = _colours(random, 2)
    share = np.linspace(0, 1, maps.height, dtype=_F)[:, None, None]
    return top + (bottom - top) * share + np.zeros((maps.height, maps.width, 3), _F)


def _patterns(points: np.ndarray, ids: np.ndarray, random: np.random.Generator, count: int) -> np.ndarray:
    """float32 H×W about 0: stripes, boards or blots of each instance in the world."""
    axes = random.normal(size=(count, 2, 3)).astype(_F)
    axes *= np.exp(random.uniform(-1, 2.5, (count, 1, 1))).astype(_F)
    strength = np.where(random.random(count) < 0.5, 0, random.uniform(0.05, 0.5, count)).astype(_F)
    u, v = (np.einsum("hwc,hwc->hw", points, axes[:, k][ids]) for k in (0, 1))
    kind = random.integers(0, 3, count)[ids]
    stripes, squares, waves = np.sign(np.sin(u)), np.sign(np.sin(u) * np.sin(v)), np.sin(u + np.sin(v))
    wave = np.choose(kind, (stripes, squares, waves))
    return (wave * strength[ids]).astype(_F)
