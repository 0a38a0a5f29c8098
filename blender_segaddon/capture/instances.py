"""What stands in a depsgraph, and which pixel shows which of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from .evaluated import evaluated_objects, write_objects

log = logging.getLogger(__name__)

_PADDING = 0x7FFFFFFF
"""Blender fills persistent ids of 8 numbers up with this."""
_INDEX_LIMIT = 32767
"""Blender clamps Object Index here."""


@dataclass(frozen=True)
class Row:
    """One instance as the render knows it. Sorts by ``order``."""

    object: bpy.types.Object
    """the user's own (not the evaluated copy); of the prototype where it is instanced"""
    instancer: bpy.types.Object | None
    """the user's own, None for an object itself"""
    persistent_id: tuple[int, ...]
    matrix_world: tuple[float, ...]
    key: tuple[float, float, float]
    """Object Info (Random, Location x, Location y), float32 values"""
    index: int
    """Object Index that this render gave to the object; parts objects of one name, from two libraries, at one place"""
    place: int = -1
    """index in the depsgraph's ``object_instances``"""

    @property
    def library(self) -> str:
        return self.object.library.filepath if self.object.library else ""

    @property
    def order(self) -> tuple[str, str, str, tuple[int, ...]]:
        instancer = self.instancer.name if self.instancer else ""
        return instancer, self.object.name, self.library, self.persistent_id


def number_objects(depsgraph: bpy.types.Depsgraph) -> None:
    """Give every evaluated object an Object Index of its own, as far as the numbers go."""
    numbers = {
        one.as_pointer(): min(number, _INDEX_LIMIT) for number, one in enumerate(evaluated_objects(depsgraph), start=1)
    }
    write_objects(depsgraph, "pass_index", lambda one: numbers.get(one.as_pointer(), one.pass_index))


def collect(depsgraph: bpy.types.Depsgraph) -> list[Row]:
    """All instances of the render, seen or not, in a repeatable order (see ``Row.order``), each once."""
    matrices = world_matrices(depsgraph)
    random_ids = _numbers(depsgraph, "random_id", 1, np.int32).view(np.uint32)[:, 0]
    persistent_ids = _numbers(depsgraph, "persistent_id", 8, np.int32)
    # Zero plus: the render gives no negative zeros.
    keys = np.stack([random_value(random_ids), matrices[:, 0, 3], matrices[:, 1, 3]], axis=-1) + np.float32(0)
    numbers = zip(matrices.reshape(-1, 16).tolist(), keys.tolist(), persistent_ids.tolist(), strict=True)
    rows: dict[tuple[str, str, str, tuple[int, ...]], Row] = {}
    for place, (one, (matrix, key, persistent)) in enumerate(zip(depsgraph.object_instances, numbers, strict=True)):
        if one.show_self or one.show_particles:
            row = _row(one, tuple(matrix), key, persistent, place)
            if one.is_instance or row.order not in rows:  # curves come twice: their mesh, which is rendered, counts
                rows[row.order] = row
    return [rows[order] for order in sorted(rows)]


def world_matrices(depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    """float32 N×4×4, row-major, of ``depsgraph.object_instances`` in that order."""
    return _numbers(depsgraph, "matrix_world", 16, np.float32).reshape(-1, 4, 4).transpose(0, 2, 1)


def _numbers(depsgraph: bpy.types.Depsgraph, name: str, width: int, dtype: type) -> np.ndarray:
    """One property of all instances: N×width.

    In bulk, because Blender frees the first instance's numbers before a Python loop over instances can read them.
    """
    flat = np.empty(len(depsgraph.object_instances) * width, dtype)
    depsgraph.object_instances.foreach_get(name, flat)
    return flat.reshape(-1, width)


def _row(
    one: bpy.types.DepsgraphObjectInstance,
    matrix: tuple[float, ...],
    key: list[float],
    persistent: list[int],
    place: int,
) -> Row:
    shown, instancer = one.object.original, one.parent.original if one.is_instance and one.parent else None
    persistent_id = tuple(number for number in persistent if number != _PADDING)
    if not one.is_instance:
        key[0], persistent_id = float(random_value(name_hash(one.object.name))), ()
    elif instancer == shown and len(persistent_id) <= 1:  # the mesh of a curve, text …: the object itself
        instancer, persistent_id = None, ()
    return Row(shown, instancer, persistent_id, matrix, (key[0], key[1], key[2]), one.object.pass_index, place)


def random_value(random_id: int | np.ndarray) -> Any:
    """Object Info's Random of 32-bit ids, as Cycles computes it: float32."""
    return np.float32(random_id) * np.float32(1.0 / 0xFFFFFFFF)


def name_hash(name: str) -> int:
    """The 32-bit id that Cycles gives to an object that is no instance."""
    number = 0
    for byte in name.encode("utf-8", "surrogateescape"):
        number = (number * 37 + byte) & 0xFFFFFFFF
    return _jenkins(number, 0)


def _jenkins(x: int, y: int) -> int:
    """Bob Jenkins' lookup3 of two words."""
    mask = 0xFFFFFFFF

    def rotate(value: int, bits: int) -> int:
        return ((value << bits) | (value >> (32 - bits))) & mask

    a = b = c = (0xDEADBEEF + (2 << 2) + 13) & mask
    b = (b + y) & mask
    a = (a + x) & mask
    c = ((c ^ b) - rotate(b, 14)) & mask
    a = ((a ^ c) - rotate(c, 11)) & mask
    b = ((b ^ a) - rotate(a, 25)) & mask
    c = ((c ^ b) - rotate(b, 16)) & mask
    a = ((a ^ c) - rotate(c, 4)) & mask
    b = ((b ^ a) - rotate(a, 14)) & mask
    return ((c ^ b) - rotate(b, 24)) & mask


@dataclass(frozen=True)
class Runs:
    """An image as stretches of equal pixels, none of which crosses the end of a line."""

    start: np.ndarray
    """int64, flat index of the first pixel"""
    length: np.ndarray
    """int64"""
    width: int

    @classmethod
    def of(cls, *images: np.ndarray) -> Runs:
        """``images``: H×W×C of one size, any type of 4 bytes; pixels are equal whose bits are equal in all of them."""
        height, width, _ = images[0].shape
        new = np.zeros((height, width), bool)
        new[:, 0] = True
        for image in images:
            for channel in np.moveaxis(_words(image), -1, 0):
                new[:, 1:] |= channel[:, 1:] != channel[:, :-1]
        start = np.flatnonzero(new)
        return cls(start, np.diff(start, append=height * width), width)


def _words(image: np.ndarray) -> np.ndarray:
    """Two channels at once where that is possible: half the comparisons."""
    return image.view(np.uint64 if image.shape[-1] % 2 == 0 and image.strides[-1] == 4 else np.uint32)


def decode(keys: np.ndarray, indices: np.ndarray, seen: np.ndarray, rows: list[Row]) -> np.ndarray:
    """Which row each pixel shows: int32 H×W, index in ``rows``, -1 where nothing is seen.

    Args:
        keys: float32 H×W×4, (Random, Location x, Location y, anything) as rendered.
        indices: float32 H×W×1, Object Index as rendered.
        seen: bool H×W, False where the camera sees no object.
        rows: as ``collect`` gave them. Where two have one key the first counts, with a warning.
    """
    seen_words = seen[..., None].astype(np.uint32)
    runs = Runs.of(keys, indices, seen_words)
    y, x = np.divmod(runs.start, runs.width)
    wanted = np.concatenate([keys[y, x, :3], indices[y, x]], axis=-1)
    table = np.array([(*row.key, row.index) for row in rows], np.float32).reshape(-1, 4)
    found = match_rows(wanted.view(np.uint32), table.view(np.uint32))
    visible = seen[y, x]
    found[~visible] = -1
    unknown = int(runs.length[(found < 0) & visible].sum())
    if unknown:
        log.warning("%d pixels show something whose instance is not known; they count as background", unknown)
    return np.repeat(found, runs.length).reshape(seen.shape)


def match_rows(wanted: np.ndarray, table: np.ndarray) -> np.ndarray:
    """For each row of ``wanted`` the first equal row of ``table``, -1 if there is none: int32.

    Args:
        wanted: uint32 N×4.
        table: uint32 M×4.
    """
    if len(table) == 0:
        return np.full(len(wanted), -1, np.int32)
    one, two = _pack(table[:, 0], table[:, 1]), _pack(table[:, 2], table[:, 3])
    names_one, names_two = np.unique(one), np.unique(two)
    # Positions in two short sorted lists, packed again: exact, and only 64-bit integers are sorted.
    codes = _pack(np.searchsorted(names_one, one), np.searchsorted(names_two, two))
    sorted_codes, first = np.unique(codes, return_index=True)
    if len(sorted_codes) < len(table):
        log.warning("%d instances cannot be told apart from others", len(table) - len(sorted_codes))
    wanted_one, known_one = _find(names_one, _pack(wanted[:, 0], wanted[:, 1]))
    wanted_two, known_two = _find(names_two, _pack(wanted[:, 2], wanted[:, 3]))
    place, known = _find(sorted_codes, _pack(wanted_one, wanted_two))
    return np.where(known & known_one & known_two, first[place], -1).astype(np.int32)


def _pack(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    return (high.astype(np.uint64) << np.uint64(32)) | low.astype(np.uint64)


def _find(names: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    place = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    return place, names[place] == wanted
