"""The process that makes the pictures: one job at a time, told and heard over its standard input and output.

Bodies and results are files; only words go through the pipes. It ends at once when the server does: its input closes
then. Run as ``python -m bridge_server.worker`` by the server.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import logging
import os
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from blender_segaddon.protocol.errors import Cancelled, SegAddonError
from blender_segaddon.protocol.framing import BytesLike, read_body

from . import execution, logs, pipe
from .generators import Offer
from .jobs.mapped import opened_body
from .models import memory

if TYPE_CHECKING:
    from .segmentation.desk import Desk

logger = logging.getLogger(__name__)

Question = tuple[dict[str, Any], bytearray]
"""What is asked beside the jobs: header, framed SegmentRequest"""

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 0.5
"""Between two looks for idle models, at the shortest."""


class Worker:
    """Does what comes in over ``stdin``, one thing after the other; answers over ``stdout``."""

    def __init__(self, stdin: BinaryIO, stdout: BinaryIO) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._cancelled = ""
        """id of the job that was cancelled last"""
        self._questions: deque[Question] = deque()
        """asked and not yet answered, in order"""
        hello, _ = pipe.read(stdin)
        self._lent: bool = hello["lent"]
        """while the device's memory is somebody else's"""
        self._idle_seconds: float = hello["model_idle_seconds"]
        self._station = execution.open_station(
            hello["device"],
            Offer(
                hello["test_generators"],
                tuple(Path(one) for one in hello["models_dirs"]),
                tuple(hello["licences"]),
                hello["compile_models"],
            ),
            hello["memory_budget"],
        )
        self._desk = _open_desk(hello["device"], [Path(one) for one in hello["models_dirs"]], Path(hello["seen_dir"]))
        self._doing: dict[str, Callable[[dict[str, Any]], None]] = {
            "job": self._run_job,
            "load": self._load,
            "unload": lambda order: self._station.residency.unload(order["generator"]),
            "yield": lambda _: self._lend(True),
            "take_back": lambda _: self._lend(False),
        }

    def run(self) -> None:
        """Work until the server goes away."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        gc.freeze()  # what is here stays: collections after jobs need not look at it again
        self._tell("ready")
        while True:
            try:
                order = self._orders.get(timeout=max(self._idle_seconds / 4, _LOOK_SECONDS))
            except queue.Empty:
                idle = self._station.residency.unload_idle(self._idle_seconds)
                if idle + self._desk.unload_idle(self._idle_seconds):
                    self._tell("memory")
            else:
                if order["type"] != "question":
                    self._doing[order["type"]](order)
                    self._tell("done", order=order["order"])
                self._answer_questions()
            gc.collect()  # what a job left in cycles holds pictures and mapped files

    def _listen(self) -> None:
        """Thread: takes in orders and cancellations, and ends the process when the server is gone."""
        try:
            while True:
                order, payload = pipe.read(self._stdin)
                if order["type"] == "cancel":
                    self._cancelled = order["job"]
                    continue
                if order["type"] == "question":
                    self._questions.append((order, payload))
                self._orders.put(order)
        except BaseException as error:  # whatever it is: without a server there is nobody to work for
            if not isinstance(error, EOFError):
                logger.exception("the worker cannot hear its server")
            os._exit(0)

    def _tell(self, kind: str, **fields: int) -> None:
        """Where we are, how much memory there is and what is loaded."""
        now = memory.read(self._station.device)
        loaded = {**self._station.residency.sizes(), **self._desk.sizes()}
        figures = {"free": now.free, "total": now.total, "loaded": loaded}
        pipe.write(self._stdout, {"type": kind, **fields, **figures})

    def _lend(self, lend: bool) -> None:
        self._lent = lend
        for holder in (self._station.residency, self._desk):
            (holder.yield_memory if lend else holder.take_back)()

    def _answer_questions(self, *, under_way: bool = False) -> None:
        """Answer what can be answered now; the rest stays.

        Args:
            under_way: a job is under way, and holds the memory that it needs: nothing new is loaded beside it.
        """
        for _ in range(len(self._questions)):
            question = self._questions.popleft()
            if not self._answer(question, under_way):
                self._questions.append(question)

    def _answer(self, question: Question, under_way: bool) -> bool:
        """False when it has to wait."""
        order, payload = question
        before = self._desk.encoded.copy()
        said: dict[str, Any] = {}
        parts: list[BytesLike] = []
        try:
            body = read_body(payload)
            if (under_way or self._lent) and not self._desk.is_ready(body, self._lent):
                return False
            parts = self._desk.answer(body, Path(order["image"]))
        except FileNotFoundError:
            said = {"code": "no_such_blob", "message": "The picture is no longer here", "hint": "Send it again"}
        except Exception as error:
            if execution.is_out_of_memory(error) and under_way:
                return False
            if not isinstance(error, SegAddonError):
                logger.exception("a question cannot be answered")
            said = execution.explain(error)
        encodings = dict(self._desk.encoded - before)
        header = {"type": "answer", "question": order["question"], "encodings": encodings, **said}
        pipe.write(self._stdout, header, parts)
        return True

    def _load(self, order: dict[str, Any]) -> None:
        if self._lent:  # nobody draws with it before the memory is back
            return
        try:
            self._station.residency.get(self._station.offer.find(order["generator"]))
        except Exception:  # the job that needs it will tell
            logger.exception("%s cannot be loaded", order["generator"])

    def _run_job(self, order: dict[str, Any]) -> None:
        job: str = order["job"]

        def answer(kind: str, **fields: Any) -> None:
            pipe.write(self._stdout, {"type": kind, "job": job, **fields})

        def say(state: str, preview: np.ndarray | None = None, **fields: Any) -> None:
            if preview is not None:
                height, width = preview.shape[:2]
                size = {"height": height, "width": width, "step": fields["step"], "steps": fields["steps"]}
                header = {"type": "preview", "job": job, **size}
                pipe.write(self._stdout, header, [np.ascontiguousarray(preview).data.cast("B")])
            answer("event", state=state, **fields)

        try:
            with opened_body(Path(order["body"])) as body:
                parts = execution.execute(self._station, body, say, lambda: self._is_cancelled(job))
                size, sha256 = execution.write_result(parts, Path(order["result"]))
        except Cancelled:
            answer("cancelled")
        except SegAddonError as error:
            answer("failed", **execution.explain(error))
        except Exception as error:
            logger.exception("job %s failed", job)
            answer("failed", **execution.explain(error))
        else:
            answer("result", size=size, sha256=sha256)

    def _is_cancelled(self, job: str) -> bool:
        """Asked between the steps of a job: the time to answer those who only click."""
        self._answer_questions(under_way=True)
        return self._cancelled == job


def _open_desk(device: str, models_dirs: list[Path], shelf: Path) -> Desk:
    from .segmentation.desk import Desk

    return Desk(device, models_dirs, shelf)


def main() -> None:
    """Take over standard input and output, so that a stray print of a library cannot get among the frames."""
    _die_with_parent()
    logs.configure(os.environ.get("SEGADDON_LOG_LEVEL", "INFO"), os.environ.get(logs.FORMAT_VARIABLE, "text"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server decides
    stdin = io.FileIO(os.dup(0), "r")
    stdout = io.BufferedWriter(io.FileIO(os.dup(1), "w"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        Worker(stdin, stdout).run()  # pyright: ignore[reportArgumentType]
    except (BrokenPipeError, EOFError):
        os._exit(0)


def _die_with_parent() -> None:
    """On Linux the kernel kills us when the server dies, also while a library holds the interpreter's lock."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
