"""Small jobs of all kinds for the stress, and what must come of them, painted in this process."""

from __future__ import annotations

import functools
import hashlib
import random
from dataclasses import dataclass

import numpy as np

from blender_segaddon.core import preview
from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import Instance, SceneMaps
from blender_segaddon.core.wire import scene_to_wire
from blender_segaddon.protocol.framing import BodyWriter, BytesLike
from blender_segaddon.protocol.messages import GenerateRequest

_HEIGHT, _WIDTH = 16, 24
_SEEDS = 16
"""Different seeds of each kind of job: what is expected of them is painted once in this process."""
_KINDS = ("remove", "remove", "remove", "replace", "change", "scene")


@dataclass(frozen=True)
class Work:
    """One job: what is asked, and what must come of it."""

    kind: str
    seed: int
    count: int = 1

    def body(self) -> list[BytesLike]:
        """The framed request."""
        writer = BodyWriter()
        prompt, image, mask = "snow", None, None
        scene = scene_to_wire(_maps(), writer) if self.kind == "scene" else None
        if self.kind != "scene":
            prompt, image, mask = "", writer.add(_image()), writer.add(_mask(), compress=True)
        intent = "replace" if self.kind == "scene" else self.kind
        return writer.finish(
            GenerateRequest("preview", prompt, "", self.seed, self.count, scene, image, mask, 1.0, intent)  # pyright: ignore
        )

    def expected(self) -> str:
        """SHA-256 over the pictures, painted in this process."""
        return digest([_painted(self.kind, self.seed + k) for k in range(self.count)])


def works(jobs: int, seed: int) -> list[Work]:
    """``jobs`` jobs, the same ones for the same seed."""
    rng = random.Random(seed)
    return [work(rng.randrange(1 << 30)) for _ in range(jobs)]


def work(number: int) -> Work:
    """Job number ``number``."""
    return Work(_KINDS[number % len(_KINDS)], number // 7 % _SEEDS, 2 if number % 11 == 0 else 1)


@functools.cache
def _painted(kind: str, seed: int) -> np.ndarray:
    scene = kind == "scene"
    return preview.run(
        maps=_maps() if scene else None,
        prompt="snow" if scene else "",
        seed=seed,
        image=None if scene else _image(),
        mask=None if scene else _mask(),
        intent="replace" if scene else kind,
        strength=1.0,
        on_step=lambda _step, _steps: None,
    )


@functools.cache
def _maps() -> SceneMaps:
    ids = np.zeros((_HEIGHT, _WIDTH), np.uint32)
    ids[_HEIGHT // 2 :, : _WIDTH // 2], ids[_HEIGHT // 2 :, _WIDTH // 2 :] = 1, 2
    depth = np.where(ids == 0, np.float32(np.inf), np.float32(5.5))
    normal = np.zeros((_HEIGHT, _WIDTH, 3), np.float32)
    normal[ids > 0] = (0, 0, 1)
    things = tuple(Instance(id, "", (), "tree", 4, "", "", 0, (0, 0, 0, 0)) for id in (1, 2))
    camera = Camera("PERSP", _WIDTH, _HEIGHT, 0.1, 100.0, np.eye(4), np.diag([1.5, 2.0, -1.0, 1.0]))
    return SceneMaps(ids, (ids * 4).astype(np.uint16), depth, normal, things, camera)


@functools.cache
def _image() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (_HEIGHT, _WIDTH, 3), np.uint8)


@functools.cache
def _mask() -> np.ndarray:
    mask = np.zeros((_HEIGHT, _WIDTH), bool)
    mask[4:9, 5:20] = True
    return mask


def rehearsal(prompt: str) -> list[BytesLike]:
    """The body of a job for the generator for tests; see ``bridge_server.generation.rehearsal`` for the prompt."""
    writer = BodyWriter()
    return writer.finish(GenerateRequest("rehearsal", prompt, image=writer.add(_image())))


def digest(pictures: list[np.ndarray]) -> str:
    """SHA-256 over the pictures."""
    return hashlib.sha256(b"".join(picture.tobytes() for picture in pictures)).hexdigest()
