"""One job from its body to its result, for the worker process and for ``run BUNDLE``."""

from __future__ import annotations

import errno
import gc
import hashlib
import logging
import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from blender_segaddon.core.wire import scene_from_wire
from blender_segaddon.protocol.checks import check_generate
from blender_segaddon.protocol.errors import Cancelled, InvalidInput, SegAddonError
from blender_segaddon.protocol.framing import Body, BodyWriter, BytesLike
from blender_segaddon.protocol.messages import GenerateRequest, GenerateResult
from blender_segaddon.protocol.version import ADDON_VERSION

from .generators import Generator, Inputs, Loaded, Offer
from .models import memory
from .models.residency import Residency

logger = logging.getLogger(__name__)

_REPORT_SECONDS = 0.05
"""Steps closer together than this are not reported one by one."""
_SLOWER = 3.0
"""A step that takes this many times the usual, and a second at least, is worth a word: drivers on Windows move memory
to the system's silently when the GPU's is full."""
_OOM_HINT = "Use a smaller size or fewer pictures, or close other programs that use the memory"


class Say(Protocol):
    """Hears the job's events."""

    def __call__(self, state: str, preview: np.ndarray | None = None, **fields: Any) -> None:
        """``fields`` as in ``protocol.messages.Event``."""
        ...


@dataclass(frozen=True)
class Station:
    """Where jobs are done."""

    device: str
    """"cpu" or "cuda:N\""""
    offer: Offer
    residency: Residency


def open_station(device: str, offer: Offer, memory_budget: int = 0) -> Station:
    """A station with nothing loaded. ``memory_budget``: bytes for all models, 0 for what is free."""

    def budget(taken: int) -> int:
        return memory_budget or memory.read(device).free + taken

    return Station(device, offer, Residency(budget, device))


def execute(station: Station, body: Body, say: Say, cancelled: Callable[[], bool]) -> list[BytesLike]:
    """Do the job in ``body``; the parts of the framed body of its GenerateResult.

    Out of memory, it is tried once more in the generator's next memory mode. Raises Cancelled, InvalidInput,
    MemoryError and whatever the generator raises; see ``explain``.
    """
    request = body.message(GenerateRequest)
    check_generate(request)
    generator = station.offer.find(request.generator)
    free = memory.read(station.device).free
    say("loading", message="" if station.residency.is_loaded(generator.name) else f"Loading {generator.name}")
    loaded = station.residency.get(generator)
    inputs = _inputs(request, body)
    modes = [*loaded.modes, loaded.modes[-1]]
    mode = modes.pop(0)
    if 0 < free < generator.size and len(modes) > 1:
        mode = modes.pop(0)
    try:
        return _pack(generator, _pictures(loaded, inputs, mode, say, cancelled), inputs, loaded, mode)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        logger.warning("out of memory in mode %s", mode)
    station.residency.unload_all(but=generator.name)  # outside of the handler, whose traceback holds what filled it
    gc.collect()
    mode = modes[0]
    say("running", message=f"Out of memory; once more in mode {mode}")
    return _pack(generator, _pictures(loaded, inputs, mode, say, cancelled), inputs, loaded, mode)


def explain(error: Exception) -> dict[str, str]:
    """Code, message and hint of a job that failed with this error."""
    if isinstance(error, SegAddonError):
        return {"code": error.code, "message": error.message, "hint": error.hint}
    if is_out_of_memory(error):
        return {"code": "gpu_oom", "message": "The job does not fit into memory", "hint": _OOM_HINT}
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        hint = "Free some disk space, or give the server another state folder"
        return {"code": "storage", "message": f"The result cannot be written: {error.strerror}", "hint": hint}
    message = f"{type(error).__name__}: {error}"[:500]
    return {"code": "internal", "message": message, "hint": "The server's log has the details"}


def write_result(parts: list[BytesLike], path: Path) -> tuple[int, str]:
    """Write a framed body to ``path``, whole or not at all; its size and SHA-256. Raises OSError."""
    sha256 = hashlib.sha256()

    def digest() -> None:
        for part in parts:
            sha256.update(part)

    hashing = threading.Thread(target=digest)  # as long as the writing: side by side
    hashing.start()
    new = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", 0) as file:
            for part in parts:
                view = memoryview(part).cast("B")
                while view:
                    view = view[file.write(view) :]
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    finally:
        hashing.join()
    return sum(memoryview(part).nbytes for part in parts), sha256.hexdigest()


def _pictures(loaded: Loaded, inputs: Inputs, mode: str, say: Say, cancelled: Callable[[], bool]) -> list[np.ndarray]:
    request = inputs.request
    say("running")
    on_step = _Steps(cancelled, say, request.count)
    images = []
    for index, seed in enumerate(_seeds(request)):
        on_step.picture = index
        images.append(loaded.make(inputs, seed, on_step, mode))
    say("finalizing")
    return images


class _Steps:
    """``on_step`` of all pictures of a job: counts through, reports now and then, raises Cancelled."""

    def __init__(self, cancelled: Callable[[], bool], say: Say, count: int) -> None:
        self.picture = 0
        self._cancelled = cancelled
        self._say = say
        self._count = count
        self._step = -1
        self._said = 0.0
        self._last = time.monotonic()
        self._times: list[float] = []
        self._warned = False

    def __call__(self, step: int, steps: int, preview: np.ndarray | None = None, loading: str = "") -> None:
        if self._cancelled():
            raise Cancelled("The job was cancelled")
        if loading:
            self._say("loading", message=loading)
            return
        total = self.picture * steps + min(step, steps)
        now = time.monotonic()
        message = self._watch(now)
        if message or (total > self._step and (now - self._said >= _REPORT_SECONDS or step == steps)):
            self._step, self._said = total, now
            self._say("running", preview, step=total, steps=steps * self._count, message=message)

    def _watch(self, now: float) -> str:
        """A warning, once a job, when a step takes much longer than those before."""
        took, self._last = now - self._last, now
        usual = statistics.median(self._times[-16:]) if len(self._times) >= 4 else took
        self._times.append(took)
        if self._warned or took < max(_SLOWER * usual, 1.0):
            return ""
        self._warned = True
        return f"A step took {took / usual:.0f} times the usual: the GPU's memory may be full"


def _seeds(request: GenerateRequest) -> tuple[int, ...]:
    return tuple((request.seed + index) % 2**32 for index in range(request.count))


def is_out_of_memory(error: Exception) -> bool:
    """Whether that is what it says, be it the system's or a library's."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"  # torch's, not imported here


def _inputs(request: GenerateRequest, body: Body) -> Inputs:
    image = body.array(request.image) if request.image else None
    if image is not None and image.dtype == np.float32 and not np.isfinite(image).all():
        raise InvalidInput("The image holds values that are not numbers", "Send floats in 0..1")
    return Inputs(
        request=request,
        maps=scene_from_wire(request.scene, body) if request.scene else None,
        image=image,
        mask=body.array(request.mask) if request.mask else None,
    )


def _pack(generator: Generator, images: list[np.ndarray], inputs: Inputs, loaded: Loaded, mode: str) -> list[BytesLike]:
    writer = BodyWriter()
    metadata = {"version": ADDON_VERSION, "numpy": np.__version__, **loaded.describe(inputs)}
    if len(loaded.modes) > 1:
        metadata["mode"] = mode
    result = GenerateResult(
        images=tuple(writer.add(image) for image in images),
        seeds=_seeds(inputs.request),
        generator=generator.name,
        is_model=generator.is_model,
        metadata=metadata,
    )
    return writer.finish(result)
