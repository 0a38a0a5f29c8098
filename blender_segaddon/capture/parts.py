"""Instances whose materials or faces have several classes, and maps that are split by material.

A piece is what one instance shows of one material and one class of faces. Only instances that may have several pieces
are looked at pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..core.maps import NO_CLASS, Part
from ..core.naming import ClassMatch
from ..core.vocabulary import Vocabulary
from .evidence import EvidenceReader, materials_of
from .faces import face_classes
from .instances import Row, Runs
from .shot import Shot

SPLITS = ("object", "material")
"""What ``capture`` takes as ``split``"""
_FACE = "face attribute"
_BAND = 1 << 20
"""pixels that are worked on at once"""


@dataclass(frozen=True)
class Thing:
    """What has one id in the instance map."""

    row: Row
    match: ClassMatch
    """of most of its pixels"""
    text: str
    material: bpy.types.Material | None = None
    """where the map is split by material"""
    parts: tuple[Part, ...] = ()
    """as ``Instance.parts``"""


@dataclass(frozen=True)
class _Piece:
    row: int
    """from 1 up, as in the map of instances"""
    material: bpy.types.Material | None
    match: ClassMatch
    text: str
    pixels: int


@dataclass(frozen=True, eq=False)
class _Image:
    """The pieces pixel by pixel, as codes: 32 bits of the instance, 16 of the material, 16 of the face."""

    shot: Shot
    ids: np.ndarray
    """uint32 H×W, instances from 1 up"""
    varied: np.ndarray
    """bool by instance, whether its materials and faces are told apart; else they are 0 in the code"""

    def runs(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """(lines, codes of the stretches of equal pixels, their lengths), band by band."""
        step = max(_BAND // self.ids.shape[1], 1)
        for top in range(0, len(self.ids), step):
            band = slice(top, top + step)
            fine = (self.shot.material[band].astype(np.uint32) << np.uint32(16)) | self.shot.face[band]
            fine[~self.varied[self.ids[band]]] = 0
            channels = np.stack([self.ids[band], fine], axis=-1)
            runs = Runs.of(channels)
            high, low = channels.reshape(-1, 2)[runs.start].astype(np.uint64).T
            yield band, (high << np.uint64(32)) | low, runs.length

    def counted(self) -> tuple[np.ndarray, np.ndarray]:
        """(all codes in order, pixels of each)."""
        codes = np.unique(np.concatenate([np.unique(values) for _, values, _ in self.runs()]))
        counts = np.zeros(len(codes))
        for _, values, lengths in self.runs():
            counts += np.bincount(np.searchsorted(codes, values), lengths, len(codes))
        return codes, counts.astype(np.int64)

    def looked_up(self, codes: np.ndarray, *tables: np.ndarray) -> tuple[np.ndarray, ...]:
        """One image for each table, which holds a value for each code."""
        made = tuple(np.empty(self.ids.shape, table.dtype) for table in tables)
        for band, values, lengths in self.runs():
            places = np.repeat(np.searchsorted(codes, values), lengths).reshape(-1, self.ids.shape[1])
            for image, table in zip(made, tables, strict=True):
                image[band] = table[places]
        return made


class Sorter:
    """Makes things of instances.

    Args:
        reader: what the user's data says.
        split: one of ``SPLITS``.
    """

    def __init__(self, reader: EvidenceReader, classes: Vocabulary, split: str) -> None:
        self.reader, self.classes, self.by_material = reader, classes, split == "material"
        self._varied: dict[bpy.types.Object, bool] = {}

    def things(
        self, shot: Shot, rows: Sequence[Row], ids: np.ndarray, background: int
    ) -> tuple[list[Thing], np.ndarray, np.ndarray]:
        """(what has an id, instance map uint32, class map uint16).

        Args:
            rows: the visible ones.
            ids: uint32 H×W, 0 or index in ``rows`` + 1.
            background: class where the id is 0.
        """
        varied = np.array([False, *(self._may_vary(row) for row in rows)])
        if shot.material is None or shot.face is None or not varied.any():
            things = [self._whole(row) for row in rows]
            table = np.array([background, *(one.match.class_id for one in things)], np.uint16)
            return things, ids, looked_up(table, ids)
        image = _Image(shot, ids, varied)
        codes, counts = image.counted()
        pieces = [
            self._piece(image, rows[(code >> 32) - 1], code, count)
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
            if code
        ]
        groups = self._groups(pieces)
        order = {key: number for number, key in enumerate(groups, start=1)}
        behind = len(codes) - len(pieces)  # code 0 comes first, where there is a background
        numbers = np.array([*([0] * behind), *(order[self._key(one)] for one in pieces)], np.uint32)
        classes = np.array([*([background] * behind), *(one.match.class_id for one in pieces)], np.uint16)
        return [self._thing(rows, group) for group in groups.values()], *image.looked_up(codes, numbers, classes)

    def _may_vary(self, row: Row) -> bool:
        """Whether pixels of an instance can differ in what has to be told apart."""
        one = row.object
        if one not in self._varied:
            made = any(modifier.type == "NODES" for modifier in one.modifiers)  # may set materials that are in no slot
            self._varied[one] = self.by_material or made or bool(face_classes(one)) or self._materials_differ(row)
        return self._varied[one]

    def _materials_differ(self, row: Row) -> bool:
        shown = [(material,) for material in materials_of(row.object)]
        return len({(self.reader.match(row, self.classes, one), self.reader.text(row, one)) for one in shown}) > 1

    def _whole(self, row: Row) -> Thing:
        return Thing(row, self.reader.match(row, self.classes), self.reader.text(row))

    def _piece(self, image: _Image, row: Row, code: int, count: int) -> _Piece:
        number, material, face = code >> 32, image.shot.materials[code >> 16 & 0xFFFF], code & 0xFFFF
        shown = (material,) if material is not None else ()
        told = shown if image.varied[number] else None
        match, text = self.reader.match(row, self.classes, told), self.reader.text(row, told)
        names = face_classes(row.object) if face else ()
        if 0 < face <= len(names):
            match = _named(names[face - 1], self.classes)
        return _Piece(number, material, match, text, count)

    def _key(self, one: _Piece) -> tuple[int, str, str]:
        if not self.by_material or one.material is None:
            return one.row, "", ""
        return one.row, one.material.name, one.material.library.filepath if one.material.library else ""

    def _groups(self, pieces: list[_Piece]) -> dict[tuple[int, str, str], list[_Piece]]:
        """The pieces of each thing, things in the order of their ids."""
        groups: dict[tuple[int, str, str], list[_Piece]] = {}
        for one in sorted(pieces, key=self._key):
            groups.setdefault(self._key(one), []).append(one)
        return groups

    def _thing(self, rows: Sequence[Row], pieces: list[_Piece]) -> Thing:
        shares: dict[tuple[ClassMatch, str], int] = {}
        for one in pieces:
            shares[one.match, one.text] = shares.get((one.match, one.text), 0) + one.pixels
        told = sorted(shares, key=lambda one: -shares[one])
        parts = tuple(Part(one.class_name, one.class_id, one.source, text, shares[one, text]) for one, text in told)
        return Thing(
            row=rows[pieces[0].row - 1],
            match=told[0][0],
            text=told[0][1],
            material=pieces[0].material if self.by_material else None,
            parts=parts if len(parts) > 1 else (),
        )


def _named(name: str, classes: Vocabulary) -> ClassMatch:
    found = classes.find(name)
    if found is None:
        source = _FACE if name.lower() == "none" else f"unknown class {name!r} ({_FACE})"
        return ClassMatch(NO_CLASS, None, source, 0.0)
    return ClassMatch(found.id, found.name, _FACE, 1.0)


def looked_up(table: np.ndarray, image: np.ndarray, offset: int = 0) -> np.ndarray:
    """``table[image + offset]``, without numpy's 64-bit copy of the whole image."""
    made = np.empty(image.shape, table.dtype)
    step = max(_BAND // image.shape[1], 1)
    for top in range(0, len(image), step):
        band = image[top : top + step]
        made[top : top + step] = table[band + offset if offset else band]
    return made
