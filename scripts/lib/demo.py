"""The main job on one scene: maps, a picture made from them, the picture back in the scene, one object retouched.

Run through ``scripts/demo``, which sets up the environments; this module runs inside Blender's Python.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from blender_segaddon.protocol.errors import InvalidInput, SegAddonError

GENERATORS = ("preview",)
MIN_SIDE, MAX_SIDE = 4, 8192
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


@dataclass
class Stages:
    """Names and seconds of what was done, told as it happens."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and print one line when it ends."""
        began = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - began, 3)
        print(f"  {name:<28} {self.seconds[name]:6.2f} s", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 2 for what the user can mend (one line on stderr), 130 after Ctrl-C."""
    logging.basicConfig(level=os.environ.get("SEGADDON_LOG", "ERROR"))
    try:
        run(parse(arguments))
    except SegAddonError as error:
        print(f"scripts/demo: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("scripts/demo: cancelled, nothing was written", file=sys.stderr)
        return 130
    return 0


def parse(arguments: Sequence[str] | None) -> Options:
    """Read and check the command line before Blender is loaded. Raises InvalidInput."""
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
    parser.add_argument("--generator", default="preview", metavar="NAME", help=f"one of: {', '.join(GENERATORS)}")
    parser.add_argument("--camera", metavar="NAME", help="a camera of the scene; its active one if left out")
    parser.add_argument(
        "--size", metavar="WxH", help=f"pixels; the scene's aspect at {DEFAULT_LONG_SIDE} px if left out"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="same seed, same picture (1)")
    parser.add_argument("--blender", metavar="VERSION", help="4.2, 4.5 or 5.0 (4.5)")
    given = parser.parse_args(arguments)
    if given.generator not in GENERATORS:
        raise InvalidInput(f"Unknown generator '{given.generator}'", f"Choose one of: {', '.join(GENERATORS)}")
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


def run(options: Options) -> None:
    """Do the whole job and put the results into ``options.out``, all of them or none."""
    from . import demo_stages
    from .output import staging

    stages = Stages()
    began = time.perf_counter()
    print(f"Main job → {options.out}", flush=True)
    with staging(options.out) as folder:
        demo_stages.Demo(options, stages, folder).run(began)
    print(f"Done in {time.perf_counter() - began:.1f} s. Open {options.out / 'sheet.png'}", flush=True)


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
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender as a module frees its data at the interpreter's end: it can print leaks of its own there, even hang.
    os._exit(status)
