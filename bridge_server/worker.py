"""The process that makes the pictures: one job at a time, told and heard over its standard input and output.

It ends at once when the server does: its input closes then. Run as ``python -m bridge_server.worker`` by the server.
"""

from __future__ import annotations

import io
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from blender_segaddon.core.wire import scene_from_wire
from blender_segaddon.protocol.errors import Cancelled, SegAddonError
from blender_segaddon.protocol.framing import Body, BodyWriter, BytesLike, read_body
from blender_segaddon.protocol.messages import GenerateRequest, GenerateResult
from blender_segaddon.protocol.version import ADDON_VERSION

from . import generators, pipe
from .generators import Generator, Inputs

logger = logging.getLogger(__name__)

_REPORT_SECONDS = 0.05
"""Steps closer together than this are not reported one by one."""

Say = Callable[..., None]


class Worker:
    """Runs the jobs that come in over ``stdin``; answers over ``stdout``."""

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._jobs: queue.SimpleQueue[tuple[dict[str, Any], bytearray]] = queue.SimpleQueue()
        self._cancelled = ""
        """id of the job that was cancelled last"""

    def run(self) -> None:
        """Work until the server goes away."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        pipe.write(self._stdout, {"type": "ready"})
        while True:
            self._run_job(*self._jobs.get())

    def _listen(self) -> None:
        """Thread: takes in jobs and cancellations, and ends the process when the server is gone."""
        try:
            while True:
                header, payload = pipe.read(self._stdin)
                if header["type"] == "cancel":
                    self._cancelled = header["job"]
                else:
                    self._jobs.put((header, payload))
        except BaseException as error:  # whatever it is: without a server there is nobody to work for
            if not isinstance(error, EOFError):
                logger.exception("the worker cannot hear its server")
            os._exit(0)

    def _run_job(self, header: dict[str, Any], payload: bytearray) -> None:
        job: str = header["job"]

        def say(kind: str, **fields: Any) -> None:
            pipe.write(self._stdout, {"type": kind, "job": job, **fields})

        try:
            result = self._generate(job, header, payload, say)
        except Cancelled:
            say("cancelled")
        except SegAddonError as error:
            say("failed", code=error.code, message=error.message, hint=error.hint)
        except MemoryError:
            say("failed", code="out_of_memory", message="The job does not fit into memory", hint="Use a smaller size")
        except Exception as error:
            logger.exception("job %s failed", job)
            message = f"{type(error).__name__}: {error}"[:500]
            say("failed", code="internal", message=message, hint="The server's log has the details")
        else:
            pipe.write(self._stdout, {"type": "result", "job": job}, result)

    def _generate(self, job: str, header: dict[str, Any], payload: bytearray, say: Say) -> list[BytesLike]:
        body = read_body(payload)
        request = body.message(GenerateRequest)
        generator = generators.find(request.generator, generators.offered(header["test_generator"]))
        say("event", state="loading")
        make, describe = generator.load()
        inputs = _inputs(request, body)
        say("event", state="running")
        seeds = tuple((request.seed + index) % 2**32 for index in range(request.count))
        on_step = _Steps(lambda: self._cancelled == job, say, request.count)
        images = []
        for index, seed in enumerate(seeds):
            on_step.picture = index
            images.append(make(inputs, seed, on_step))
        say("event", state="finalizing")
        return _pack(generator, images, seeds, describe(inputs))


class _Steps:
    """``on_step`` of all pictures of a job: counts through, reports now and then, raises Cancelled."""

    def __init__(self, cancelled: Callable[[], bool], say: Say, count: int) -> None:
        self.picture = 0
        self._cancelled = cancelled
        self._say = say
        self._count = count
        self._step = -1
        self._said = 0.0

    def __call__(self, step: int, steps: int) -> None:
        if self._cancelled():
            raise Cancelled("The job was cancelled")
        total = self.picture * steps + min(step, steps)
        now = time.monotonic()
        if total > self._step and (now - self._said >= _REPORT_SECONDS or step == steps):
            self._step, self._said = total, now
            self._say("event", state="running", step=total, steps=steps * self._count)


def _inputs(request: GenerateRequest, body: Body) -> Inputs:
    return Inputs(
        request=request,
        maps=scene_from_wire(request.scene, body) if request.scene else None,
        image=body.array(request.image) if request.image else None,
        mask=body.array(request.mask) if request.mask else None,
    )


def _pack(
    generator: Generator, images: list[np.ndarray], seeds: tuple[int, ...], metadata: dict[str, str]
) -> list[BytesLike]:
    writer = BodyWriter()
    result = GenerateResult(
        images=tuple(writer.add(image) for image in images),
        seeds=seeds,
        generator=generator.name,
        is_model=generator.is_model,
        metadata={"version": ADDON_VERSION, "numpy": np.__version__, **metadata},
    )
    return writer.finish(result)


def main() -> None:
    """Take over standard input and output, so that a stray print of a library cannot get among the frames."""
    logging.basicConfig(level=os.environ.get("SEGADDON_LOG_LEVEL", "INFO"), format="%(asctime)s worker %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server decides
    stdin = io.FileIO(os.dup(0), "r")
    stdout = io.BufferedWriter(io.FileIO(os.dup(1), "w"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        Worker(stdin, stdout).run()  # pyright: ignore[reportArgumentType]
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
