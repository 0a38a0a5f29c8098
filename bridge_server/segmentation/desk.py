"""Requests for masks → answers, in the worker: which segmenter, what it has seen before, how often it looks."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from blender_segaddon.protocol.framing import Body, BytesLike
from blender_segaddon.protocol.segmenting import PromptMessage, SegmentRequest, check_segment

from .. import segmenters
from ..models.loading import Device
from ..segmenters import SegmenterFiles
from . import automatic, windows
from .answer import Answered, pack
from .memory import Embeddings, Window
from .segmenter import Candidates, Embedding, Prompt, Segmenter
from .shelf import Shelf, can_hold, fingerprint

logger = logging.getLogger(__name__)

_LARGE = 2
"""A picture more than this many times as long as the network's input is looked at once more, around the mask."""
_PART = 0.75
"""Of the picture's longest side: a part that is larger shows nothing that the whole did not."""


@dataclass
class _Held:
    loaded: Any
    size: int
    used: float
    mark: str = ""
    """tells its weights from others of its name"""


class Desk:
    """Answers one request after the other.

    Args:
        device: "cpu" or "cuda:N".
        models_dirs: where segmenters are looked for.
        shelf: folder for what networks saw of pictures, None to keep that in memory alone.
    """

    def __init__(self, device: str, models_dirs: Sequence[Path], shelf: Path | None = None) -> None:
        self._device = device
        self._models_dirs = models_dirs
        self._held: dict[str, _Held] = {}
        self._embeddings = Embeddings()
        self._shelf = None if shelf is None else Shelf(shelf)

    @property
    def encoded(self) -> Counter[str]:
        """How often each segmenter has looked at a picture."""
        return self._embeddings.encoded

    def is_ready(self, body: Body, lent: bool = False) -> bool:
        """Whether the answer takes no more of the device's memory: its models are loaded, or it needs none.

        Args:
            lent: they are loaded, and moved off the device.
        """
        request = body.message(SegmentRequest)
        wanted = [segmenters.choose(self._models_dirs, _named(request))]
        wanted += [segmenters.detector(self._models_dirs)] if request.text.strip() else []
        return all((one.name in self._held and not lent) or not one.is_model for one in wanted)

    def answer(self, body: Body, image: Path) -> list[BytesLike]:
        """The framed SegmentResult of a framed SegmentRequest.

        Args:
            image: file of the picture's pixels.

        Raises:
            InvalidInput, CheckpointDamaged: as the texts say. OSError: the picture is gone.
        """
        request = body.message(SegmentRequest)
        check_segment(request)
        files = segmenters.choose(self._models_dirs, _named(request))
        pixels = np.memmap(image, np.uint8, "r", shape=(request.height, request.width, 3))
        region = None if request.region is None else body.array(request.region)
        before = self._embeddings.encoded.total()
        seen = _Seen(self._embeddings, self._shelf, self._load(files), files.name, self._held[files.name].mark)
        task = _Task(request, body, pixels, files, seen)
        found = self._found(task)
        if region is not None:
            found = [replace(one, mask=one.mask & region) for one in found]
        return pack(files, found, self._embeddings.encoded.total() - before)

    def sizes(self) -> dict[str, int]:
        """Bytes of what is loaded, by name."""
        return {name: held.size for name, held in self._held.items() if held.size}

    def unload_idle(self, seconds: float) -> list[str]:
        """Free what has not been used for this long: its names. What was seen of pictures is kept."""
        now = time.monotonic()
        idle = [name for name, held in self._held.items() if held.size and now - held.used >= seconds]
        for name in idle:
            del self._held[name]
        return idle

    def yield_memory(self) -> None:
        """Move everything off the device, ready to come back."""
        for held in self._held.values():
            held.loaded.to_host()

    def take_back(self) -> None:
        """Move everything onto the device again."""
        for held in self._held.values():
            held.loaded.to_device()

    def _found(self, task: _Task) -> list[Answered]:
        if task.request.wanted == "prepare":
            task.embedding(windows.whole(task.size))
            return []
        if task.request.wanted == "everything":
            return task.everything()
        if task.request.text.strip():
            detector = self._load(segmenters.detector(self._models_dirs))
            return task.named(detector.find(np.asarray(task.pixels), task.request.text))
        return task.prompted()

    def _load(self, files: SegmenterFiles) -> Any:
        held = self._held.get(files.name)
        if held is None:
            self._embeddings.forget(files.name)
            mark = "" if files.path is None or self._shelf is None else fingerprint(files.path)
            held = self._held[files.name] = _Held(_loaded(files, self._device), files.size, 0.0, mark)
            logger.info("%s loaded", files.name)
        held.used = time.monotonic()
        return held.loaded


@dataclass(frozen=True)
class _Seen:
    """What one segmenter sees of pictures: from memory, else from the shelf, else by looking."""

    embeddings: Embeddings
    shelf: Shelf | None
    segmenter: Segmenter
    name: str
    mark: str

    def get(self, image: str, window: Window, pixels: Callable[[], np.ndarray]) -> Embedding:
        """Of a part of a picture.

        Args:
            image: SHA-256 of the picture.
            pixels: gives uint8 H×W×3 of the part.
        """
        key = (self.name, image, window)
        held = self.embeddings.find(key)
        if held is not None:
            return held
        kept = self.shelf.get((self.mark, image, window)) if self.shelf is not None and self.mark else None
        if kept is not None:
            return self.embeddings.keep(key, kept)
        made = self.embeddings.get(key, lambda: self.segmenter.encode(pixels()))
        if self.shelf is not None and self.mark and can_hold(made.features):
            self.shelf.put((self.mark, image, window), made)
        return made


class _Task:
    """One request and what it takes to answer it."""

    def __init__(
        self,
        request: SegmentRequest,
        body: Body,
        pixels: np.ndarray,
        files: SegmenterFiles,
        seen: _Seen,
    ) -> None:
        self.request = request
        self.pixels = pixels
        self.size = (request.height, request.width)
        self._body = body
        self._files = files
        self._segmenter = seen.segmenter
        self._seen = seen

    def embedding(self, window: Window) -> Embedding:
        """What the segmenter sees of a part of the picture."""
        x0, y0, x1, y1 = window
        return self._seen.get(self.request.image, window, lambda: np.ascontiguousarray(self.pixels[y0:y1, x0:x1]))

    def prompted(self) -> list[Answered]:
        """Answers to the prompts; those that begin anew together, those that go on from a mask each in its window."""
        placed = [self._going_on(one) for one in self.request.prompts]
        prompts, at = [one for one, _ in placed], [window for _, window in placed]
        answers: dict[int, list[Answered]] = {}
        for window in dict.fromkeys(at):
            indices = [index for index, one in enumerate(at) if one == window]
            chosen = [windows.moved(prompts[index], window) for index in indices]
            found = self._segmenter.masks(self.embedding(window), chosen, self.request.several)
            for index, one in zip(indices, found, strict=True):
                answers[index] = self._sharp(prompts[index], index, one, window)
        return [one for index in range(len(prompts)) for one in answers[index]]

    def everything(self) -> list[Answered]:
        """Masks of all things."""
        whole = windows.whole(self.size)
        lowest = automatic.lowest_score(self._files.is_model)
        found = automatic.everything(self._segmenter, self.embedding(whole), self._segmenter.grid, lowest)
        return [Answered(number, mask, score, whole) for number, (mask, score) in enumerate(found)]

    def named(self, boxes: Sequence[tuple[np.ndarray, float]]) -> list[Answered]:
        """Masks of the things in boxes that a detector found."""
        whole = windows.whole(self.size)
        prompts = [Prompt(np.zeros((0, 2)), np.zeros(0, np.int64), box) for box, _ in boxes]
        found = self._segmenter.masks(self.embedding(whole), prompts, several=False) if prompts else []
        pairs = enumerate(zip(found, boxes, strict=True))
        text = self.request.text.strip()
        return [Answered(number, one.masks[0], score, whole, label=text) for number, (one, (_, score)) in pairs]

    def _sharp(self, prompt: Prompt, index: int, found: Candidates, window: Window) -> list[Answered]:
        """The answers at full size, from a closer look where that shows more."""
        best = int(found.scores.argmax())
        mask = self._placed(found.masks[best], window)
        large = max(self.size) > _LARGE * self._segmenter.native
        wanted = large if self.request.sharp is None else self.request.sharp
        if wanted and window == windows.whole(self.size) and prompt.logits is None and mask.any():
            closer = windows.around(mask, prompt, self._segmenter.native)
            if max(closer[2] - closer[0], closer[3] - closer[1]) <= _PART * max(self.size):
                window = closer
                moved = [windows.moved(prompt, window)]
                found = self._segmenter.masks(self.embedding(window), moved, self.request.several)[0]
        logits = found.logits if found.logits is not None else [None] * len(found.masks)
        answers = [
            Answered(index, self._placed(mask, window), float(score), window, logit)
            for mask, score, logit in zip(found.masks, found.scores, logits, strict=True)
        ]
        return sorted(answers, key=lambda one: -one.score)

    def _going_on(self, one: PromptMessage) -> tuple[Prompt, Window]:
        """A prompt and the part that it is looked for in: where its mask was drawn, as long as all that is meant lies
        there; else it begins anew, with all its clicks."""
        prompt = self._prompt(one)
        if one.source is None or prompt.logits is None:
            return replace(prompt, logits=None), windows.whole(self.size)
        if windows.shows(one.source.window, prompt):
            return prompt, one.source.window
        return replace(prompt, logits=None), windows.whole(self.size)

    def _placed(self, mask: np.ndarray, window: Window) -> np.ndarray:
        if window == windows.whole(self.size):
            return mask
        full = np.zeros(self.size, bool)
        full[window[1] : window[3], window[0] : window[2]] = mask
        return full

    def _prompt(self, one: PromptMessage) -> Prompt:
        return Prompt(
            np.array(one.points, float).reshape(-1, 2),
            np.array(one.labels, np.int64),
            None if one.box is None else np.array(one.box, float),
            None if one.logits is None else self._body.array(one.logits),
        )


def _named(request: SegmentRequest) -> str:
    """The segmenter that is asked for; the one that a mask came from where that is to be gone on from."""
    sources = [one.source.segmenter for one in request.prompts if one.source]
    return request.segmenter or next(iter(sources), "")


def _loaded(files: SegmenterFiles, device: str) -> Any:
    if files.path is None:
        from .classical import Classical

        return Classical()
    name = Device.called(device).name
    if files.kind == "sam":
        from .sam import Sam

        return Sam(files.path, name)
    if files.kind == "sam2":
        from .sam2 import Sam2

        return Sam2(files.path, name)
    from .detector import Detector

    return Detector(files.path, name)
