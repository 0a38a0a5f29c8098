# pyright: reportCallIssue=false, reportGeneralTypeIssues=false
# (the stubs of the gpu module know no constructors)
"""Ids as colours over a viewport, and names on them."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from math import cos, pi, sin

import blf
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ...core.labels import Label

_LINE = 1024
"""Colours in one line of a table."""
_FONT, _TEXT_SIZE = 0, 11.5
"""Blender's own font; points at a scale of 1"""
_PAD_X, _PAD_Y, _DOT, _CORNER = 7.0, 4.5, 4.0, 4.0
"""pixels at a scale of 1: room left and right, above and below, radius of the colour's dot, of the corners"""
_PLATE = (0.07, 0.07, 0.08, 0.82)
_WHITE, _AMBER = (0.94, 0.94, 0.94, 1.0), (1.0, 0.76, 0.3, 1.0)
"""text of what has a class, and of what has none"""

_VERTEX = """
void main()
{
  at = place;
  gl_Position = vec4(place * 2.0 - 1.0, 0.0, 1.0);
}
"""

_FRAGMENT = """
vec4 color_of(uint id)
{
  return texelFetch(colors, ivec2(int(id) % 1024, int(id) / 1024), 0);
}

void main()
{
  ivec2 size = textureSize(ids, 0);
  ivec2 here = clamp(ivec2(at * vec2(size)), ivec2(0), size - 1);
  uint id = texelFetch(ids, here, 0).x;
  vec4 color = color_of(id);
  vec3 right = color_of(texelFetch(ids, min(here + ivec2(1, 0), size - 1), 0).x).rgb;
  vec3 above = color_of(texelFetch(ids, min(here + ivec2(0, 1), size - 1), 0).x).rgb;
  bool is_edge = color.rgb != right || color.rgb != above;
  float strength = id == 0u ? 0.0 : opacity;
  /* What has no class is striped: no colour of its own could be told from the classes'. */
  if (color.a < 0.5 && (here.x + here.y) % 14 < 7) {
    color.rgb *= 0.45;
  }
  if (id != 0u && int(id) == marked) {
    color.rgb = mix(color.rgb, vec3(1.0), 0.45);
    strength = max(strength, 0.6);
  }
  if (is_edge) {
    color.rgb *= 0.3;
    strength = max(strength, 0.25 + 0.5 * opacity);
  }
  if (strength == 0.0) {
    discard;
  }
  color_out = vec4(color.rgb, strength);
}
"""


def color_table(colors: np.ndarray) -> gpu.types.GPUTexture:
    """What ``paint`` looks ids up in.

    Args:
        colors: float32 N×4, row 0 for nothing; display-referred sRGB 0..1, and 1 for a class, 0 for none (striped).
    """
    lines = -(-len(colors) // _LINE)
    values = np.zeros((lines * _LINE, 4), np.float32)
    values[: len(colors)] = colors
    data = gpu.types.Buffer("FLOAT", values.size, values.ravel())
    return gpu.types.GPUTexture((_LINE, lines), format="RGBA32F", data=data)


def paint(ids: gpu.types.GPUTexture, colors: gpu.types.GPUTexture, opacity: float, marked: int = 0) -> None:
    """Blend ids as colours over all of the region that is being drawn.

    Args:
        opacity: 0..1.
        marked: the id of one instance that shall stand out, 0 for none.
    """
    shader, batch = _quad()
    shader.bind()
    shader.uniform_sampler("ids", ids)
    shader.uniform_sampler("colors", colors)
    shader.uniform_float("opacity", opacity)
    shader.uniform_int("marked", marked)
    gpu.state.blend_set("ALPHA")
    try:
        batch.draw(shader)
    finally:
        gpu.state.blend_set("NONE")


def label_size(text: str, scale: float) -> tuple[float, float]:
    """(width, height) in pixels of a name's plate."""
    blf.size(_FONT, _TEXT_SIZE * scale)
    width = blf.dimensions(_FONT, text)[0]
    return width + (2 * _PAD_X + 2 * _DOT + 5) * scale, (_TEXT_SIZE * 0.72 + 2 * _PAD_Y) * scale


def write(labels: list[tuple[Label, tuple[float, float, float, float]]], scale: float) -> None:
    """Draw names on dark plates, each with a dot of its colour (its fourth number is 0 for what has no class)."""
    if not labels:
        return
    plates: list[tuple[float, float]] = []
    colors: list[tuple[float, ...]] = []
    for label, color in labels:
        _add_fan(plates, colors, _rounded(label, _CORNER * scale), _PLATE)
        dot = _circle(_left(label) + (_PAD_X + _DOT) * scale, label.y, _DOT * scale)
        _add_fan(plates, colors, dot, (*color[:3], 1.0))
    shader = gpu.shader.from_builtin("FLAT_COLOR")
    gpu.state.blend_set("ALPHA")
    try:
        batch_for_shader(shader, "TRIS", {"pos": plates, "color": colors}).draw(shader)
        _write_texts(labels, scale)
    finally:
        gpu.state.blend_set("NONE")


def _write_texts(labels: list[tuple[Label, tuple[float, float, float, float]]], scale: float) -> None:
    blf.size(_FONT, _TEXT_SIZE * scale)
    for label, color in labels:
        blf.color(_FONT, *(_WHITE if color[3] else _AMBER))
        x = _left(label) + (_PAD_X + 2 * _DOT + 5) * scale
        blf.position(_FONT, round(x), round(label.y - _TEXT_SIZE * 0.36 * scale), 0)
        blf.draw(_FONT, label.text)


def _left(label: Label) -> float:
    return label.x - label.width / 2


def _circle(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    return [(x + radius * cos(i * pi / 8), y + radius * sin(i * pi / 8)) for i in range(16)]


def _rounded(label: Label, radius: float) -> list[tuple[float, float]]:
    points = []
    for quarter, (side, end) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        x = label.x + side * (label.width / 2 - radius)
        y = label.y + end * (label.height / 2 - radius)
        turns = [(quarter + step / 4) * pi / 2 for step in range(5)]
        points += [(x + radius * cos(turn), y + radius * sin(turn)) for turn in turns]
    return points


def _add_fan(
    points: list[tuple[float, float]],
    colors: list[tuple[float, ...]],
    outline: list[tuple[float, float]],
    color: tuple[float, ...],
) -> None:
    """A convex outline as triangles."""
    for second, third in pairwise(outline[1:]):
        points += [outline[0], second, third]
        colors += [color] * 3


@cache
def _quad() -> tuple[gpu.types.GPUShader, gpu.types.GPUBatch]:
    info = gpu.types.GPUShaderCreateInfo()
    between = gpu.types.GPUStageInterfaceInfo("segaddon_overlay")
    between.smooth("VEC2", "at")
    info.push_constant("FLOAT", "opacity")
    info.push_constant("INT", "marked")
    info.sampler(0, "UINT_2D", "ids")
    info.sampler(1, "FLOAT_2D", "colors")
    info.vertex_in(0, "VEC2", "place")
    info.vertex_out(between)
    info.fragment_out(0, "VEC4", "color_out")
    info.vertex_source(_VERTEX)
    info.fragment_source(_FRAGMENT)
    shader = gpu.shader.create_from_info(info)
    corners = [(0, 0), (1, 0), (1, 1), (0, 0), (1, 1), (0, 1)]
    return shader, batch_for_shader(shader, "TRIS", {"place": corners})
