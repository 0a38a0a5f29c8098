# pyright: reportCallIssue=false, reportGeneralTypeIssues=false
# (the stubs of the gpu module know no constructors)
"""Masks, pictures, marks and lines in the pixels of a region."""

from __future__ import annotations

from functools import cache
from math import cos, pi, sin

import blf
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

Frame = tuple[float, float, float, float]
"""(x0, y0, x1, y1) of the whole image in the region, from its lower left corner; may reach far outside"""

_LINE = 1.3
"""pixels at a scale of 1: half the width of an outline"""
_RADIUS = 7.0
"""pixels at a scale of 1, of a click's mark"""
_TEXT_SIZE = 12.0
_FONT = 0
_PLUS, _MINUS = (0.10, 0.55, 0.95, 1.0), (0.90, 0.25, 0.20, 1.0)
_WHITE, _BLACK, _PLATE = (1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.75), (0.07, 0.07, 0.08, 0.8)

_VERTEX = """
void main()
{
  at = vec2(place.x, 1.0 - place.y);
  gl_Position = vec4(mix(corners.xy, corners.zw, place), 0.0, 1.0);
}
"""
_MASK = """
float covered(vec2 where)
{
  if (where.x < 0.0 || where.y < 0.0 || where.x >= 1.0 || where.y >= 1.0) {
    return 0.0;
  }
  ivec2 size = textureSize(pixels, 0);
  if (from_bottom > 0.5) {
    where.y = 1.0 - where.y;
  }
  return texelFetch(pixels, min(ivec2(where * vec2(size)), size - 1), 0).r;
}

void main()
{
  float here = covered(at);
  float most = here, least = here;
  for (int k = 0; k < 8; k++) {
    float angle = 0.785398 * float(k);
    float there = covered(at + reach * vec2(cos(angle), sin(angle)));
    most = max(most, there);
    least = min(least, there);
  }
  /* A white line within the mask and a dark one around it: on any picture one of them is seen. */
  if (here > 0.5 && least <= 0.5) {
    color_out = vec4(1.0, 1.0, 1.0, 0.95);
  }
  else if (here <= 0.5 && most > 0.5) {
    color_out = vec4(0.0, 0.0, 0.0, 0.8);
  }
  else {
    color_out = vec4(0.12, 0.52, 1.0, 0.36 * here);
  }
}
"""
_PICTURE = """
void main()
{
  if (at.x < reach.x) {
    discard;
  }
  ivec2 size = textureSize(pixels, 0);
  /* Enlarged, pixels are squares, as the editor itself shows them. */
  color_out = reach.y > 0.5 ? texelFetch(pixels, min(ivec2(at * vec2(size)), size - 1), 0) : texture(pixels, at);
  /* Blender encodes what is drawn over an image with this exponent, not with the curve of sRGB: measured on screen. */
  color_out = vec4(pow(color_out.rgb, vec3(2.2)), 1.0);
}
"""


def texture(pixels: np.ndarray) -> gpu.types.GPUTexture:
    """Of float32 H×W in 0..1 or uint8 H×W×3, row 0 at the top."""
    height, width = pixels.shape[:2]
    if pixels.ndim == 2:
        values, kind = np.ascontiguousarray(pixels, np.float32), "R8"
    else:
        values, kind = np.ones((height, width, 4), np.float32), "RGBA8"
        values[..., :3] = pixels / np.float32(255)
    return gpu.types.GPUTexture(
        (width, height), format=kind, data=gpu.types.Buffer("FLOAT", values.size, values.ravel())
    )


def mask(pixels: gpu.types.GPUTexture, frame: Frame, scale: float, from_bottom: bool = False) -> None:
    """A soft tint, and an outline that is as wide at every zoom; ``from_bottom``: of one of Blender's own textures."""
    width, height = max(frame[2] - frame[0], 1), max(frame[3] - frame[1], 1)
    _quad(_MASK, pixels, frame, (_LINE * scale / width, _LINE * scale / height), from_bottom)


def picture(pixels: gpu.types.GPUTexture, frame: Frame, wipe: float) -> None:
    """A picture over the image, right of ``wipe`` (0..1 of its width). Its values are shown as they are."""
    enlarged = frame[2] - frame[0] >= pixels.width
    _quad(_PICTURE, pixels, frame, (wipe, float(enlarged)))


def wipe_line(frame: Frame, wipe: float, title: str, scale: float) -> None:
    """The line between before and after, and what is seen on each side of it."""
    x0, y0, x1, y1 = frame
    x = x0 + (x1 - x0) * wipe
    if 0 < wipe < 1:
        _triangles(_strip(x, y0, x, y1, 2.0 * scale), _BLACK)
        _triangles(_strip(x, y0, x, y1, 1.0 * scale), _WHITE)
    top = min(y1, gpu.state.viewport_get()[3]) - 14 * scale
    if wipe > 0:
        _label("Before", x - 8 * scale, top, scale, at_right=True)
    if wipe < 1:
        _label(title, x + 8 * scale, top, scale)


def box(start: tuple[float, float], end: tuple[float, float], scale: float) -> None:
    """A rectangle by two corners."""
    corners = [start, (end[0], start[1]), end, (start[0], end[1])]
    for width, color in ((1.6, _BLACK), (0.8, _WHITE)):
        for k in range(4):
            _triangles(_strip(*corners[k], *corners[(k + 1) % 4], width * scale), color)


def marks(points: list[tuple[float, float, bool]], scale: float) -> None:
    """Clicks: a disc with + or −."""
    for x, y, good in points:
        _triangles(_disc(x, y, (_RADIUS + 1.5) * scale), _WHITE)
        _triangles(_disc(x, y, _RADIUS * scale), _PLUS if good else _MINUS)
        arm = 0.55 * _RADIUS * scale
        _triangles(_strip(x - arm, y, x + arm, y, 0.9 * scale), _WHITE)
        if good:
            _triangles(_strip(x, y - arm, x, y + arm, 0.9 * scale), _WHITE)


def _label(text: str, x: float, y: float, scale: float, at_right: bool = False) -> None:
    """A text on a dark plate, centred on ``y``, beginning or ending at ``x``."""
    blf.size(_FONT, _TEXT_SIZE * scale)
    width, pad = blf.dimensions(_FONT, text)[0], 6 * scale
    left = x - width - 2 * pad if at_right else x
    half = 10 * scale
    _triangles(_strip(left, y, left + width + 2 * pad, y, half), _PLATE)
    blf.color(_FONT, *_WHITE)
    blf.position(_FONT, round(left + pad), round(y - 0.36 * _TEXT_SIZE * scale), 0)
    gpu.state.blend_set("ALPHA")
    blf.draw(_FONT, text)
    gpu.state.blend_set("NONE")


def _strip(x0: float, y0: float, x1: float, y1: float, half: float) -> list[tuple[float, float]]:
    """Two triangles: a line of twice ``half`` pixels."""
    dx, dy = x1 - x0, y1 - y0
    length = max((dx * dx + dy * dy) ** 0.5, 1e-6)
    nx, ny = -dy / length * half, dx / length * half
    a, b, c, d = (x0 + nx, y0 + ny), (x0 - nx, y0 - ny), (x1 - nx, y1 - ny), (x1 + nx, y1 + ny)
    return [a, b, c, a, c, d]


def _disc(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    rim = [(x + radius * cos(2 * pi * k / 24), y + radius * sin(2 * pi * k / 24)) for k in range(25)]
    return [corner for k in range(24) for corner in ((x, y), rim[k], rim[k + 1])]


def _triangles(corners: list[tuple[float, float]], color: tuple[float, ...]) -> None:
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", color)
    gpu.state.blend_set("ALPHA")
    try:
        batch_for_shader(shader, "TRIS", {"pos": corners}).draw(shader)
    finally:
        gpu.state.blend_set("NONE")


def _quad(
    fragment: str, pixels: gpu.types.GPUTexture, frame: Frame, reach: tuple[float, float], from_bottom: bool = False
) -> None:
    shader, batch = _program(fragment)
    _x, _y, width, height = gpu.state.viewport_get()
    x0, y0, x1, y1 = frame
    shader.bind()
    shader.uniform_sampler("pixels", pixels)
    shader.uniform_float("corners", (2 * x0 / width - 1, 2 * y0 / height - 1, 2 * x1 / width - 1, 2 * y1 / height - 1))
    shader.uniform_float("reach", reach)
    if fragment is _MASK:
        shader.uniform_float("from_bottom", float(from_bottom))
    gpu.state.blend_set("ALPHA")
    try:
        batch.draw(shader)
    finally:
        gpu.state.blend_set("NONE")


@cache
def _program(fragment: str) -> tuple[gpu.types.GPUShader, gpu.types.GPUBatch]:
    info = gpu.types.GPUShaderCreateInfo()
    between = gpu.types.GPUStageInterfaceInfo("segaddon_image_overlay")
    between.smooth("VEC2", "at")
    info.push_constant("VEC4", "corners")
    info.push_constant("VEC2", "reach")
    if fragment is _MASK:
        info.push_constant("FLOAT", "from_bottom")
    info.sampler(0, "FLOAT_2D", "pixels")
    info.vertex_in(0, "VEC2", "place")
    info.vertex_out(between)
    info.fragment_out(0, "VEC4", "color_out")
    info.vertex_source(_VERTEX)
    info.fragment_source(fragment)
    shader = gpu.shader.create_from_info(info)
    corners = [(0, 0), (1, 0), (1, 1), (0, 0), (1, 1), (0, 1)]
    return shader, batch_for_shader(shader, "TRIS", {"place": corners})
