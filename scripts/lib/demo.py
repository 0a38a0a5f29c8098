"""The main job on one scene: maps, a picture made from them, the picture back in the scene, one object retouched.

Run through ``scripts/demo``, which sets up the environments; this module runs inside Blender's Python.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from blender_segaddon.protocol.checks import MAX_SEED
from blender_segaddon.protocol.errors import InvalidInput, SegAddonError

from .running import default_generator, known_models

MIN_SIDE, MAX_SIDE = 4, 8192
"""pixels; Blender renders nothing smaller"""
DEFAULT_LONG_SIDE = 1024
DEFAULT_PROMPT = "a calm late afternoon, warm light"
DEFAULT_RETOUCH = "turquoise paint"


@dataclass(frozen=True)
class Options:
    """What the command line said."""

    scene: Path | None
    room: bool
    out: Path
    prompt: str
    retouch: str
    generator: str
    camera: str | None
    size: tuple[int, int] | None
    seed: int


class Stop:
    """Ctrl-C and its like, remembered: Blender swallows exceptions that reach a callback of its own (in a render)."""

    def __init__(self) -> None:
        self.signal = 0
        """number of the signal that came, 0 for none"""
        self._armed = False
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._heed)

    def arm(self) -> None:
        """From here on a signal raises KeyboardInterrupt; before, C modules that were being imported would complain."""
        self._armed = True
        self.check()

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal has come."""
        if self.signal:
            raise KeyboardInterrupt

    def _heed(self, number: int, _frame: object) -> None:
        self.signal = number
        if self._armed:
            raise KeyboardInterrupt


@dataclass
class Stages:
    """Names and seconds of what was done, told as it happens."""

    stop: Stop
    seconds: dict[str, float] = field(default_factory=dict)

    def tell(self, text: str) -> None:
        """Print a line of progress; nobody listening any more (``| head``) is no reason to stop."""
        with suppress(OSError):
            print(text, flush=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and print one line when it ends."""
        began = time.perf_counter()
        yield
        self.stop.check()
        self.seconds[name] = round(time.perf_counter() - began, 3)
        self.tell(f"  {name:<28} {self.seconds[name]:6.2f} s")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 2 for what the user can mend (one line on stderr), 128 + signal after Ctrl-C or the like."""
    logging.basicConfig(level=os.environ.get("SEGADDON_LOG", "ERROR"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for terminals that know few letters
    stop = Stop()
    try:
        run(parse(arguments), stop)
        return 0
    except KeyboardInterrupt:
        pass
    except Exception as error:
        if not stop.signal:  # else it broke because of that, whatever it is
            if not isinstance(error, SegAddonError):
                raise
            print(f"scripts/demo: {error}", file=sys.stderr)
            return error.exit_code
    print("scripts/demo: cancelled, nothing was written", file=sys.stderr)
    return 128 + stop.signal


def parse(arguments: Sequence[str] | None) -> Options:
    """Read and check the command line before Blender is loaded. Raises InvalidInput."""
    generators = ("preview", *sorted(known_models()))
    parser = _Parser(prog="scripts/demo", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--scene", type=Path, metavar="FILE", help=".blend, .glb, .gltf or .usd; the example street if left out"
    )
    parser.add_argument("--room", action="store_true", help="the example room instead of the example street")
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="where the results go (out)")
    parser.add_argument(
        "--prompt", default=DEFAULT_PROMPT, metavar="TEXT", help=f"what the picture shows ('{DEFAULT_PROMPT}')"
    )
    parser.add_argument(
        "--retouch",
        default=DEFAULT_RETOUCH,
        metavar="TEXT",
        help=f"what replaces the largest thing ('{DEFAULT_RETOUCH}')",
    )
    usual = default_generator()
    parser.add_argument(
        "--generator",
        default=usual,
        metavar="NAME",
        help=f"one of: {', '.join(generators)} ({usual} if left out); tiny-… are made on the spot, others that are "
        "missing say how to get them",
    )
    parser.add_argument("--camera", metavar="NAME", help="a camera of the scene; its active one if left out")
    parser.add_argument(
        "--size", metavar="WxH", help=f"pixels; the scene's aspect at {DEFAULT_LONG_SIDE} px if left out"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="same seed, same picture (1)")
    parser.add_argument("--blender", metavar="VERSION", help="4.2, 4.5 or 5.0 (4.5)")
    given = parser.parse_args(arguments)
    if given.generator not in generators:
        raise InvalidInput(f"Unknown generator '{given.generator}'", f"Choose one of: {', '.join(generators)}")
    if given.room and given.scene is not None:
        raise InvalidInput("--room and --scene name two scenes", "Give one of them")
    if not 0 <= given.seed <= MAX_SEED:
        raise InvalidInput(f"Seed {given.seed} is out of range", f"Use 0 to {MAX_SEED}")
    return Options(
        given.scene,
        given.room,
        given.out,
        given.prompt,
        given.retouch,
        given.generator,
        given.camera,
        None if given.size is None else _size(given.size),
        given.seed,
    )


def run(options: Options, stop: Stop) -> None:
    """Do the whole job and put the results into ``options.out``, all of them or none."""
    from . import demo_stages
    from .output import staging

    stop.arm()
    stages = Stages(stop)
    began = time.perf_counter()
    stages.tell(f"Main job → {options.out}")
    with staging(options.out) as folder:
        demo_stages.Demo(options, stages, folder).run(began)
    stages.tell(f"Done in {time.perf_counter() - began:.1f} s. Open {options.out / 'sheet.png'}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise InvalidInput(message[:1].upper() + message[1:], "See scripts/demo --help")


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise InvalidInput(f"'{text}' is no size", "Give width and height in pixels, such as 1024x576")
    size = int(width), int(height)
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in size):
        raise InvalidInput(f"A picture of {text} pixels cannot be made", f"Use {MIN_SIDE} to {MAX_SIDE} a side")
    return size


if __name__ == "__main__":
    status = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    # Blender as a module frees its data at the interpreter's end: it can print leaks of its own there, even hang.
    os._exit(status)
