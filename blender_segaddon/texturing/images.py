"""numpy arrays and Blender images. Arrays have row 0 at the top, Blender's buffers at the bottom: the flip is here."""

from __future__ import annotations

import bpy
import numpy as np

from ..core.exr import encode_plain_exr


def data_image(name: str, values: np.ndarray, *, pack: bool = True) -> bpy.types.Image:
    """A float image of raw values that no colour management touches, packed so that it survives save and reload.

    Args:
        values: float32 H×W×3 or H×W×4, row 0 at the top; scene-linear colours or any numbers.
        pack: False where it is saved as a file of its own next.
    """
    if pack:
        return data_file_image(name, encode_plain_exr(values))
    height, width, channels = values.shape
    buffer = np.ones((height, width, 4), np.float32)
    buffer[..., :channels] = values[::-1]
    image = bpy.data.images.new(name, width, height, alpha=True, float_buffer=True, is_data=True)
    _as_data(image)
    image.pixels.foreach_set(buffer.ravel())
    image.update()
    return image


def data_file_image(name: str, file: bytes) -> bpy.types.Image:
    """The same of an EXR or PNG file that was encoded beforehand: Blender reads it when it is first shown."""
    image = _of_file(name, file)
    _as_data(image)
    return image


def _as_data(image: bpy.types.Image) -> None:
    image.colorspace_settings.is_data = True  # found by role: its name differs from configuration to configuration
    image.alpha_mode = "CHANNEL_PACKED"
    image.use_half_precision = False


def number_image(name: str, numbers: np.ndarray) -> bpy.types.Image:
    """An 8-bit image of raw whole numbers 0..2²⁴-1 (H×W, row 0 at the top), packed: red + 256·green + 65536·blue."""
    height, width = numbers.shape
    buffer = np.ones((height, width, 4), np.float32)
    for channel in range(3):
        buffer[..., channel] = (numbers[::-1] >> (8 * channel) & 255) / np.float32(255)
    image = bpy.data.images.new(name, width, height, alpha=True, is_data=True)
    image.colorspace_settings.is_data = True
    image.alpha_mode = "CHANNEL_PACKED"
    image.pixels.foreach_set(buffer.ravel())
    image.update()
    image.pack()
    return image


def mask_image(name: str, mask: np.ndarray) -> bpy.types.Image:
    """An 8-bit image of a mask (bool H×W, row 0 at the top), white where it covers, raw values, packed: to paint on."""
    return number_image(name, mask * np.uint32(0xFFFFFF))


def display_image(name: str, pixels: np.ndarray, *, pack: bool = True) -> bpy.types.Image:
    """An 8-bit image to look at, in the configuration's own space for such images, packed.

    Args:
        pixels: uint8 H×W×3, or H×W×4 with straight alpha; display-referred, row 0 at the top.
    """
    height, width, channels = pixels.shape
    image = bpy.data.images.new(name, width, height, alpha=channels == 4)
    buffer = np.ones((height, width, 4), np.float32)
    buffer[..., :channels] = pixels[::-1].astype(np.float32) / np.float32(255)
    image.pixels.foreach_set(buffer.ravel())
    image.update()
    if pack:
        image.pack()
    return image


def encoded_image(name: str, png: bytes) -> bpy.types.Image:
    """As ``display_image``, of a PNG file that was encoded beforehand: Blender reads it when it is first shown."""
    return _of_file(name, png)


def _of_file(name: str, file: bytes) -> bpy.types.Image:
    image = bpy.data.images.new(name, 1, 1, alpha=False)
    image.pack(data=file, data_len=len(file))
    image.source = "FILE"
    return image


def light_image(name: str, values: np.ndarray) -> bpy.types.Image:
    """A 32-bit image of light in the configuration's scene-linear space, packed.

    Args:
        values: float32 H×W×4, scene-linear, alpha premultiplied, row 0 at the top.
    """
    height, width = values.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True, float_buffer=True)
    image.alpha_mode = "PREMUL"  # else it comes back from the .blend multiplied by alpha once more
    image.use_half_precision = False
    image.pixels.foreach_set(np.ascontiguousarray(values[::-1]).ravel())
    image.update()
    image.pack()
    return image


def swapped_image(name: str, pixels: np.ndarray) -> bpy.types.Image:
    """As ``display_image``, in the place of the image that is called ``name``.

    Whole images are swapped: Blender's undo does not bring back pixels that were set in place.
    """
    old = bpy.data.images.get(name)
    made = display_image(name, pixels)
    if old is not None:
        old.user_remap(made)
        bpy.data.images.remove(old)
        made.name = name
    return made


def read_image(image: bpy.types.Image) -> np.ndarray:
    """float32 H×W×4 as the image's buffer holds it, row 0 at the top."""
    width, height = image.size
    values = np.empty(width * height * 4, np.float32)
    if image.channels == 4:
        image.pixels.foreach_get(values)
        return values.reshape(height, width, 4)[::-1].copy()
    raw = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(raw)
    out = np.ones((height, width, 4), np.float32)
    out[..., : image.channels] = raw.reshape(height, width, -1)[::-1]
    if image.channels < 3:
        out[..., 1:3] = out[..., :1]
    return out


def load_raw(path: str) -> np.ndarray:
    """float32 H×W×4 of an image file, without colour management, row 0 at the top."""
    image = bpy.data.images.load(path)
    try:
        image.colorspace_settings.is_data = True
        return read_image(image)
    finally:
        bpy.data.images.remove(image)
