"""What the tests of the models share: tiny models on disk, loaded by the real loading code, and maps to draw from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import Instance, SceneMaps
from bridge_server.generation.diffusion import Diffusion
from bridge_server.models import catalogue
from bridge_server.models.loading import Device
from scripts.lib import tiny_models

CPU = Device("cpu", half=False)


@pytest.fixture(scope="session", autouse=True)
def reference_mode():
    """One thread: sums are made in one order, so that runs can be compared bit for bit."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with all tiny models."""
    made = tmp_path_factory.mktemp("models")
    tiny_models.make(made)
    return made


@pytest.fixture(scope="session")
def models(folder: Path) -> dict[str, catalogue.Model]:
    return catalogue.load([folder])


@pytest.fixture(scope="session")
def sd15(models, folder) -> Diffusion:
    return Diffusion(models["tiny-sd15"], [folder], CPU)


@pytest.fixture(scope="session")
def sdxl(models, folder) -> Diffusion:
    return Diffusion(models["tiny-sdxl"], [folder], CPU)


def scene(width: int = 64, height: int = 64, texts: tuple[str, ...] = ("", "")) -> SceneMaps:
    """A road (left) and a house (right) under a sky; slanted depth."""
    instance_map = np.zeros((height, width), np.uint32)
    instance_map[height // 4 :, : width // 2] = 1
    instance_map[height // 4 :, width // 2 :] = 2
    class_of = np.array([2, 6, 25], np.uint16)  # sky, road, house
    depth = np.linspace(20, 2, height, dtype=np.float32)[:, None].repeat(width, axis=1)
    normal = np.zeros((height, width, 3), np.float32)
    normal[instance_map > 0] = (0, 0.6, 0.8)
    instances = tuple(
        Instance(number, "", (), name, int(class_of[number]), "", text, 1, (0, 0, 1, 1))
        for number, name, text in ((1, "road", texts[0]), (2, "house", texts[1]))
    )
    camera = Camera(
        type="PERSP",
        width=width,
        height=height,
        clip_start=0.1,
        clip_end=100.0,
        matrix_world=np.eye(4),
        projection_matrix=np.eye(4),
    )
    return SceneMaps(
        instance_map=instance_map,
        class_map=class_of[instance_map],
        depth=np.where(instance_map > 0, depth, np.float32(np.inf)),
        normal=normal,
        instances=instances,
        camera=camera,
    )
