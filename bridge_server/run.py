"""``run BUNDLE``: a job from a file, with no server, for render farms.

A bundle is exactly the body of a job's POST: a framed GenerateRequest. It is checked as by the server, and done by the
code of its worker.

Exit status: 0 the pictures are written; 1 the job failed; 2 the bundle or the folder cannot be used; 4 out of memory, a
larger machine may do; 130 interrupted. Nothing is half-written.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from blender_segaddon.core.atomic import storage_error, write_json
from blender_segaddon.core.png import write_png
from blender_segaddon.protocol.errors import Cancelled, InvalidInput, JobFailed, SegAddonError
from blender_segaddon.protocol.framing import BytesLike, read_body
from blender_segaddon.protocol.messages import GenerateResult

from . import execution, validation
from .jobs.mapped import opened_body
from .jobs.worker_process import OFFLINE, visible
from .models import memory
from .settings import Settings

logger = logging.getLogger(__name__)

EXIT_OUT_OF_MEMORY = 4
EXIT_INTERRUPTED = 130
RESULT_FILE = "result.json"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do the job, write its pictures as PNG and ``result.json``; the exit status. Raises InvalidInput, StorageError."""
    bundle: Path = options.bundle
    folder: Path = options.out or bundle.with_name(f"{bundle.stem}-result")
    _check(bundle, settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error
    try:
        with _interruptible() as interrupted:
            files = write_pictures(read_parts(_execute(bundle, settings, interrupted)), folder)
    except Cancelled:
        sys.stderr.write("Interrupted: nothing is written\n")
        return EXIT_INTERRUPTED
    except _OutOfMemoryError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_OUT_OF_MEMORY
    sys.stdout.write("".join(f"{path}\n" for path in files))
    return 0


def read_parts(parts: list[BytesLike]) -> tuple[GenerateResult, list[np.ndarray]]:
    """A result and its pictures (uint8 H×W×3 each) out of a framed body."""
    body = read_body(b"".join(parts))
    result = body.message(GenerateResult)
    return result, [body.array(ref) for ref in result.images]


def write_pictures(done: tuple[GenerateResult, list[np.ndarray]], folder: Path) -> list[Path]:
    """Write picture_<seed>.png each and, last, result.json; their paths. Raises StorageError."""
    result, images = done
    paths = [folder / f"picture_{seed}.png" for seed in result.seeds]
    for path, image in zip(paths, images, strict=True):
        write_png(path, image, {"generator": result.generator, **result.metadata})
    facts = {
        "generator": result.generator,
        "is_model": result.is_model,
        "metadata": result.metadata,
        "pictures": [{"file": path.name, "seed": seed} for path, seed in zip(paths, result.seeds, strict=True)],
    }
    write_json(folder / RESULT_FILE, facts)
    return [*paths, folder / RESULT_FILE]


class _OutOfMemoryError(JobFailed):
    """Also in the generator's most frugal mode."""


def _check(bundle: Path, settings: Settings) -> None:
    """As the server checks the body of a POST."""
    try:
        size = bundle.stat().st_size
        if size > settings.max_body_bytes:
            raise InvalidInput(f"{bundle} has {size >> 20} MiB", f"Set max_body_bytes above {size}")
        validation.read_request(bundle, size)
    except OSError as error:
        raise InvalidInput(f"{bundle} cannot be read: {error.strerror}", "Give the body of a job's POST") from error


def _execute(bundle: Path, settings: Settings, interrupted: Callable[[], bool]) -> list[BytesLike]:
    device = next(iter(settings.devices or memory.gpus()), "cpu")
    os.environ.update({**OFFLINE, **visible(device)})
    station = execution.open_station(device, settings.offer, settings.memory_budget_bytes)
    try:
        with opened_body(bundle) as body:
            return execution.execute(station, body, _say, interrupted)
    except SegAddonError:
        raise
    except Exception as error:
        said = execution.explain(error)
        kind = _OutOfMemoryError if said["code"] == "gpu_oom" else _FailedError
        logger.log(logging.DEBUG if kind is _OutOfMemoryError else logging.ERROR, "the job failed", exc_info=True)
        raise kind(said["message"], said["hint"], said["code"]) from error


class _FailedError(JobFailed):
    exit_code = 1


def _say(state: str, preview: np.ndarray | None = None, **fields: Any) -> None:
    del preview
    steps = f" {fields['step']}/{fields['steps']}" if fields.get("steps") else ""
    logger.info("%s%s %s", state, steps, fields.get("message", ""))


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """SIGINT and SIGTERM end the job at its next step."""
    asked: list[int] = []
    before = {number: signal.signal(number, lambda number, _: asked.append(number)) for number in _SIGNALS}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
