"""What this project adds to a picture's time, or takes from it: our way against a bare call of diffusers' pipeline.

.venv-models/bin/python -m scripts.bench_generate [--pairs 15] [--json FILE]             tiny models: the overhead
.venv-models/bin/python -m scripts.bench_generate --ablate                               what each shortcut is worth
.venv-models/bin/python -m scripts.bench_generate --compile [--device cuda]              what compiled blocks are worth
.venv-models/bin/python -m scripts.bench_generate --real [--device cuda] [--shrink 8]    models of the real sizes

All ways run in this process, in turn, without looks at the picture in the making. The tiny models make the share of
everything that is not the model as large as it gets. Weights are random: times are a real model's, pictures are not.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers import MultiControlNetModel

from blender_segaddon.protocol.messages import Control
from bridge_server.generation.controlnets import Controls
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs
from bridge_server.models import catalogue
from bridge_server.models.loading import Device, dtype_of
from scripts.lib import random_models, tiny_models
from scripts.lib.bench_diffusion import (
    in_turn,
    inputs_of,
    making,
    maps_of,
    our_way,
    peak_gib,
    ratios,
    settle,
    stock_way,
    timed,
)
from scripts.lib.figures import psnr

TINY = {"tiny-sd15": ("segmentation",), "tiny-sdxl": ("segmentation", "depth", "normal"), "tiny-zimage": ("depth",)}
"""Model → controls."""
REAL: dict[catalogue.Family, tuple[tuple[str, ...], ...]] = {
    "sd15": (("segmentation",),),
    "sdxl": (("segmentation",), ("segmentation", "depth", "normal")),
    "zimage": (("depth",),),
}
CPU = Device("cpu", half=False)


def overhead(folder: Path, name: str, size: tuple[int, int], steps: int, pairs: int) -> dict[str, Any]:
    """Seconds of both ways, and the median of the pairs' ratios."""
    kinds, model = TINY[name], catalogue.load([folder])[name]
    inputs = inputs_of(maps_of(size), kinds, steps)
    loaded, candidate = our_way(model, CPU, inputs)

    def anew(seed: int) -> None:
        """As a first job: nothing is remembered of its words and maps."""
        _texts(loaded)()
        _control_pictures(loaded)()
        candidate(seed)

    seconds = in_turn({"ours": anew, "candidate": candidate, "bare": stock_way(model, CPU, kinds, inputs)}, pairs)
    low, middle, high = _percent(seconds["ours"], seconds["bare"])
    medians = {f"{way}_s": round(statistics.median(times), 4) for way, times in seconds.items()}
    further = _percent(seconds["candidate"], seconds["bare"])[1]
    about = {"model": name, "controls": len(kinds), **medians}
    return {**about, "overhead_percent": middle, "quartiles": [low, high], "further_candidates_percent": further}


def ablate(folder: Path, family: catalogue.Family, shrink: int, size: tuple[int, int], pairs: int) -> list[dict]:
    """How much longer a picture takes without each shortcut, in percent; a depth control ends at half of the steps."""
    model = random_models.make(folder / family, family, shrink)
    inputs = inputs_of(maps_of(size), REAL[family][-1], 4, regions=3)
    rows = []
    for name, without in _SHORTCUTS.items():
        (_, usual), (crippled, slow) = our_way(model, CPU, inputs), our_way(model, CPU, inputs)
        slow(0)  # loads what a run needs
        spoil = without(crippled)
        seconds = in_turn({"with": usual, "without": lambda seed, spoil=spoil, slow=slow: (spoil(), slow(seed))}, pairs)
        rows.append(_saving(f"{family} / {shrink}", size, name, seconds))
    return rows


def compiling(
    folder: Path, family: catalogue.Family, device: Device, shrink: int, size: tuple[int, int], pairs: int
) -> dict[str, Any]:
    """What compiled blocks save, and what the first picture costs then; one of another size and of other words too."""
    model = random_models.make(folder / f"compiled-{family}", family, shrink, dtype_of(_dummy(family), device))
    settle(model, device, inputs_of(maps_of(size), (), 1))
    inputs = inputs_of(maps_of(size), REAL[family][0], 4, regions=3)
    usual, compiled = (our_way(model, device, inputs, compiled=one)[1] for one in (False, True))
    usual(0)
    first, second = timed(compiled, 0), timed(compiled, 1)
    words = our_way(model, device, inputs_of(maps_of(size), REAL[family][0], 4, regions=4), compiled=True)[1]
    larger = our_way(model, device, inputs_of(maps_of((size[0] + 64, size[1])), REAL[family][0], 4), compiled=True)[1]
    costs = {"first_s": first, "second_s": second, "other_words_s": timed(words, 0), "other_size_s": timed(larger, 0)}
    seconds = in_turn({"with": compiled, "without": usual}, pairs)
    row = _saving(f"{family} / {shrink}", size, "blocks are compiled", seconds)
    return {**row, **{name: round(value, 2) for name, value in costs.items()}}


def real(
    folder: Path, family: catalogue.Family, device: Device, shrink: int, steps: int | None, runs: int
) -> list[dict]:
    """Models of the real sizes against stock diffusers: candidates, regions, memory of each mode."""
    model = random_models.make(folder / family, family, shrink, dtype_of(_dummy(family), device))
    model = replace(model, steps=steps or model.steps)
    side = model.native
    maps = maps_of((side, side))
    settle(model, device, inputs_of(maps, (), 1))
    cases = [(kinds, count) for kinds in REAL[family] for count in (1, 4)]
    rows = [_beside_stock(model, device, kinds, count, runs) for kinds, count in cases]
    rows += [row for kinds in REAL[family] for row in lines(model, device, kinds, runs)]
    for mode in Diffusion(model, [], device).modes:
        inputs = inputs_of(maps, REAL[family][0], 2)
        gib = peak_gib(lambda inputs=inputs, mode=mode: our_way(model, device, inputs, mode=mode)[1](0))
        rows.append({"model": model.id, "mode": mode, "peak_gib": gib})
    return rows


def lines(model: catalogue.Model, device: Device, kinds: tuple[str, ...], runs: int) -> list[dict]:
    """A: the same picture as stock's. B: another one in less time, which only real weights can tell to be as good."""
    maps = maps_of((model.native, model.native))
    given = inputs_of(maps, kinds, model.steps)
    half = tuple(replace(one, end=0.5) for one in given.request.options.controls or ())
    loaded, ours = our_way(model, device, given)
    ways = {
        "stock": stock_way(model, device, kinds, given),
        "A: ours": ours,
        "A: ours, compiled": our_way(model, device, given, compiled=True)[1],
        "B: controls for half of the steps": making(loaded, _with(given, controls=half)),
    }
    if model.guided:
        few = {"steps": max(model.steps // 4, 1), "guidance": 1.0}
        ways["B: a quarter of the steps, no guidance"] = making(loaded, _with(given, **few))
    if device.half:
        ways["apart: stock in single precision"] = stock_way(model, replace(device, half=False), kinds, given)
    seconds = in_turn(ways, runs)
    stock = ways["stock"](1)[0]
    return [_line(model, len(kinds), name, seconds, psnr(make(1)[0], stock)) for name, make in ways.items()]


def _line(model: catalogue.Model, controls: int, name: str, seconds: dict[str, list[float]], near: float) -> dict:
    low, middle, high = ratios(seconds["stock"], seconds[name])
    return {
        "model": model.id,
        "controls": controls,
        "line": name,
        "s": round(statistics.median(seconds[name]), 3),
        "times_stock": round(middle, 3),
        "quartiles": [round(low, 3), round(high, 3)],
        "db_to_stock": round(min(near, 120.0), 1),
    }


def _with(inputs: Inputs, **options: Any) -> Inputs:
    return replace(inputs, request=replace(inputs.request, options=replace(inputs.request.options, **options)))


def _beside_stock(model: catalogue.Model, device: Device, kinds: tuple[str, ...], count: int, runs: int) -> dict:
    side = model.native
    plain, told = (inputs_of(maps_of((side, side)), kinds, model.steps, regions) for regions in (0, 6))
    loaded: list[Any] = []
    cold = timed(lambda: loaded.append(our_way(model, device, plain, count)) or loaded[0][1](0))
    ours, stock = loaded[0][1], stock_way(model, device, kinds, plain, count)
    seconds = in_turn({"ours": ours, "six regions": our_way(model, device, told, count)[1], "stock": stock}, runs)
    other = our_way(model, device, inputs_of(maps_of((side + 64, side)), kinds, model.steps), count)[1]
    low, middle, high = ratios(seconds["stock"], seconds["ours"])
    return {
        "model": model.id,
        "size": side,
        "steps": model.steps,
        "controls": len(kinds),
        "pictures": count,
        **{f"{way}_s": round(statistics.median(times), 3) for way, times in seconds.items()},
        "times_stock": round(middle, 3),
        "quartiles": [round(low, 3), round(high, 3)],
        "db_to_stock": round(min(psnr(ours(1)[0], stock(1)[0]), 120.0), 1),
        "cold_start_s": round(cold, 2),
        "another_size_s": round(timed(other, 0), 2),
    }


def _texts(loaded: Diffusion) -> Callable[[], Any]:
    return loaded._pipelines.words._kept.clear


def _control_pictures(loaded: Diffusion) -> Callable[[], Any]:
    return lambda: loaded.__dict__.update(_pictures=(None, {}))


def _assembled(loaded: Diffusion) -> Callable[[], Any]:
    return loaded._pipelines._made.clear


def _conditions(loaded: Diffusion) -> Callable[[], Any]:
    for net in loaded._pipelines._nets.values():
        net.controlnet_cond_embedding.forward = net.controlnet_cond_embedding.forward._forward
    return lambda: None


def _contiguous(loaded: Diffusion) -> Callable[[], Any]:
    """The other way round: how it would be with the channels last."""
    for net in (loaded._pipelines.backbone, *loaded._pipelines._nets.values()):
        net.to(memory_format=torch.channels_last)
    return lambda: None


_SHORTCUTS: dict[str, Callable[[Diffusion], Callable[[], Any]]] = {
    "texts are read once": _texts,
    "control pictures are made once": _control_pictures,
    "control pictures are looked at once": _conditions,
    "pipelines are put together once": _assembled,
    "channels in their usual order": _contiguous,
}


def window(folder: Path, shrink: int, size: tuple[int, int], pairs: int) -> dict[str, Any]:
    """What it saves not to call a ControlNet whose window ends at half of the steps, as stock does."""
    model = random_models.make(folder / "window", "sd15", shrink)
    inputs = inputs_of(maps_of(size), (), 6)
    controls = (Control("segmentation", 1.0, 0.0, 0.5),)
    inputs = _with(inputs, controls=controls)
    make, skipping = our_way(model, CPU, inputs)[1], Controls.forward

    def calling(seed: int) -> None:
        Controls.forward = MultiControlNetModel.forward
        try:
            make(seed)
        finally:
            Controls.forward = skipping

    seconds = in_turn({"with": make, "without": calling}, pairs)
    return _saving(f"sd15 / {shrink}", size, "a ControlNet rests outside its window", seconds)


def _saving(model: str, size: tuple[int, int], name: str, seconds: dict[str, list[float]]) -> dict[str, Any]:
    low, middle, high = _percent(seconds["without"], seconds["with"])
    usual = round(statistics.median(seconds["with"]), 3)
    about = {"model": model, "size": list(size), "shortcut": name, "with_s": usual}
    return {**about, "saves_percent": middle, "quartiles": [low, high]}


def _percent(ones: Sequence[float], others: Sequence[float]) -> tuple[float, float, float]:
    """By how much the first take longer: quartiles."""
    low, middle, high = ratios(ones, others)
    return round(100 * (low - 1), 1), round(100 * (middle - 1), 1), round(100 * (high - 1), 1)


def _dummy(family: catalogue.Family) -> catalogue.Model:
    return catalogue.Model(id="", title="", family=family, base=catalogue.Source(path="-"), controls={})


def measure(given: argparse.Namespace, scratch: Path) -> list[dict]:
    """The rows that were asked for."""
    size = tuple(int(side) for side in given.size.split("x"))
    if given.ablate:
        families = given.family or ("sd15", "sdxl")
        rows = [row for family in families for row in ablate(scratch, family, given.shrink, size, given.pairs)]
        return [*rows, window(scratch, given.shrink, size, given.pairs)]
    device = Device.called(given.device)
    if given.compile:
        families = given.family or list(REAL)
        return [compiling(scratch, family, device, given.shrink, size, given.pairs) for family in families]
    if given.real:
        families = given.family or list(REAL)
        sizes = given.shrink, given.steps
        return [row for family in families for row in real(scratch, family, device, *sizes, given.pairs)]
    tiny_models.make(scratch)
    return [overhead(scratch, name, size, given.steps or 20, given.pairs) for name in TINY]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15, help="runs of each way")
    parser.add_argument("--steps", type=int, help="20 by default; with --real the model's own")
    parser.add_argument("--size", default="128x128", help="WxH")
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--family", action="append", choices=list(REAL), help="only these")
    parser.add_argument("--device", default="cpu", help="with --real: cpu or cuda")
    parser.add_argument("--shrink", type=int, default=8, help="1: the real sizes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    given = parser.parse_args()
    torch.set_num_threads(1 if given.device == "cpu" else torch.get_num_threads())
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(given, Path(scratch))
    for row in rows:
        print(", ".join(f"{key}: {value}" for key, value in row.items()))
    if given.json:
        name = torch.cuda.get_device_name() if given.device == "cuda" else platform.machine()
        about = {"device": name, "torch": torch.__version__, "pairs": given.pairs}
        given.json.write_text(json.dumps({**about, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
