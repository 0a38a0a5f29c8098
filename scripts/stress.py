"""Stress of the bridge server, over a Unix socket of its own in a temporary folder; stops by itself.

    python -m scripts.stress [--full] [--json FILE]

64 clients with mixed jobs on the preview generator, kill -9 of worker and server at random moments, event streams that
are cut, a full queue, start and stop in turn. Every job must come to its end, none may be run twice unless it was
killed, every picture must equal one that is painted in this process. The exit status is 1 if anything of this is not
so.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .lib import stress
from .lib.stress import Figures


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    clients: int = 64
    jobs: int = 1_000
    kills: int = 10
    cuts: int = 100
    full_queue: int = 400
    starts: int = 10
    memory: tuple[int, int] = (200, 2_000)
    """jobs before the first and the last look at the memory; zeros: no look"""


FULL = Scale(jobs=64_000, kills=100, full_queue=4_000, starts=100)


def run(scale: Scale, seed: int = 0) -> dict[str, Figures]:
    """Every phase by name, each with a server and a folder of its own."""
    done: dict[str, Figures] = {}
    for name, phase in {
        "mixed jobs": lambda home: _mixed(home, scale, seed),
        "kill -9": lambda home: _kills(home, scale, seed),
        "cut streams": lambda home: stress.cuts(home, scale.cuts),
        **({"memory": lambda home: stress.memory(home, *scale.memory)} if any(scale.memory) else {}),
        "full queue": lambda home: stress.overload(home, scale.full_queue),
        "start and stop": lambda home: stress.starts(home, scale.starts),
    }.items():
        with tempfile.TemporaryDirectory(prefix="segaddon-stress-") as folder:
            began = time.monotonic()
            done[name] = phase(Path(folder) / "state")
            done[name].values["seconds"] = round(time.monotonic() - began, 1)
    return done


def _mixed(home: Path, scale: Scale, seed: int) -> Figures:
    with stress.server(home, max_queued=scale.clients + 8):
        return stress.mixed_jobs(home, scale.clients, scale.jobs, seed)


def _kills(home: Path, scale: Scale, seed: int) -> Figures:
    with stress.server(home):
        return stress.kills(home, 8, scale.kills, seed)


def main() -> int:
    """Print the figures; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="64,000 jobs, 100 kills, 100 starts")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is left to chance (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    options = parser.parse_args()
    done = run(FULL if options.full else Scale(), options.seed)
    for name, figures in done.items():
        for what, value in {**figures.counts, **figures.values}.items():
            print(f"{name:14} {what:16} {value:>10}")
        for fault in figures.wrong[:20]:
            print(f"{name:14} WRONG: {fault}")
        print(f"{name:14} {'faults':16} {len(figures.wrong):>10}")
    if options.json:
        rows = {name: {**figures.counts, **figures.values, "faults": figures.wrong} for name, figures in done.items()}
        options.json.write_text(json.dumps(rows, indent=1))
    return 1 if any(figures.wrong for figures in done.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
