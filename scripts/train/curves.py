"""The logs of the trainings as one picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_SIZE = (640, 300)
"""pixels of one chart"""
_MARGIN = (56, 30, 130, 36)
"""left, top, right, bottom"""
_COLOURS = ("#3b6ea5", "#c2571a", "#3f8f4f", "#8a4fa3")
_TOLD = ("judge", "tiny-scenes", "tiny-sam-borders", "tiny-sam")
_SMOOTHED = 0.98
"""Share of the mean so far in each point: single steps are noise."""


def draw_curves(folder: Path, file: Path) -> None:
    """One chart for each log of the folder, all figures smoothed, below each other in a PNG."""
    logs = sorted(path for path in folder.glob("*.json") if path.stem in _TOLD)
    charts = [_chart(path.stem, json.loads(path.read_text())) for path in logs]
    sheet = Image.new("RGB", (_SIZE[0], _SIZE[1] * max(1, len(charts))), "white")
    for index, chart in enumerate(charts):
        sheet.paste(chart, (0, index * _SIZE[1]))
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(file)


def _chart(name: str, told: dict) -> Image.Image:
    log, image = told["log"], Image.new("RGB", _SIZE, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    left, top, right, bottom = _MARGIN
    box = (left, top, _SIZE[0] - right, _SIZE[1] - bottom)
    curves = {key: _smooth(log, key) for key in dict.fromkeys(key for one in log for key in one) if key != "step"}
    last = max(one["step"] for one in log) or 1
    highest = max(float(values[:, 1].max()) for values in curves.values())
    pen.text((left, 8), f"{name}: {last + 1} steps, {told['seconds'] / 60:.0f} min", "#222222", font)
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = box[3] - share * (box[3] - box[1])
        pen.line((box[0], y, box[2], y), "#dddddd")
        pen.text((6, y - 8), f"{share * highest:.2f}", "#666666", font)
        x = box[0] + share * (box[2] - box[0])
        pen.text((x - 12, box[3] + 8), f"{round(share * last)}", "#666666", font)
    for number, (key, values) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        x = box[0] + values[:, 0] / last * (box[2] - box[0])
        y = box[3] - values[:, 1] / highest * (box[3] - box[1])
        pen.line([*map(tuple, np.stack([x, y], 1))], colour, 2)
        pen.text((box[2] + 10, top + 20 * number), f"{key} {values[-1, 1]:.3f}", colour, font)
    return image


def _smooth(log: list[dict[str, float]], key: str) -> np.ndarray:
    """float N×2: step and smoothed value."""
    points, mean = [], None
    for one in log:
        if key in one:
            mean = one[key] if mean is None else _SMOOTHED * mean + (1 - _SMOOTHED) * one[key]
            points.append((one["step"], mean))
    return np.array(points)
