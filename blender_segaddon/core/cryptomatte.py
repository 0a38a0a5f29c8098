"""Cryptomatte: mattes by name in an EXR file that compositors read (specification 1.2.0, github.com/Psyop/Cryptomatte).

Three layers: CryptoInstance (every instance by its own name), CryptoObject (Blender's object names) and CryptoClass.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from .coverage import Coverage, grouped, sharp
from .exr import write_exr
from .maps import NO_CLASS, Instance, SceneMaps
from .vocabulary import load

LAYERS = ("CryptoInstance", "CryptoObject", "CryptoClass")
_WORD = 0xFFFFFFFF
_CHANNELS = ("R", "G", "B", "A")
"""Of one level: id, weight, id, weight."""


def write_cryptomatte(path: str | Path, maps: SceneMaps) -> None:
    """Write the three layers with the coverage of the maps (weights of 1 where they have none). Raises StorageError."""
    channels: dict[str, np.ndarray] = {}
    attributes: dict[str, str] = {}
    for layer, (names, coverage) in zip(LAYERS, _layers(maps), strict=True):
        channels |= _channels(layer, names, coverage)
        attributes |= _attributes(layer, names)
    write_exr(path, channels, attributes)


def instance_names(instances: Sequence[Instance]) -> tuple[str, ...]:
    """A name of its own for every instance, the same in every frame.

    An object itself has its own name ("Tree"); what is instanced says by what, and which of them ("Tree|Forest|3").
    Linked objects add their library where their name is not the only one.
    """
    plain = [_instance_name(one) for one in instances]
    count = Counter(plain)
    full = [
        f"{name}|{one.library}" if count[name] > 1 and one.library else name
        for name, one in zip(plain, instances, strict=True)
    ]
    used: set[str] = set()
    for index, name in enumerate(full):
        unique, number = name, 2
        while unique in used:  # only where names themselves hold bars
            unique, number = f"{name}|{number}", number + 1
        used.add(unique)
        full[index] = unique
    return tuple(full)


def name_hash(name: str) -> int:
    """The uint32 that stands for a name: MurmurHash3 x86 32 of its UTF-8, kept from being no number or denormal."""
    value = murmur3_32(_bytes(name))
    return value ^ (1 << 23) if (value >> 23) & 0xFF in (0, 0xFF) else value


def name_float(name: str) -> float:
    """``name_hash`` as the bits of a float32: the value of id channels."""
    return struct.unpack("<f", struct.pack("<I", name_hash(name)))[0]


def murmur3_32(data: bytes) -> int:
    """MurmurHash3 x86 32 with seed 0 (Austin Appleby, public domain description)."""
    value, whole = 0, len(data) & ~3
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        value = _rotated(value ^ _scrambled(word), 13) * 5 + 0xE6546B64 & _WORD
    if whole < len(data):
        value ^= _scrambled(int.from_bytes(data[whole:], "little"))
    value ^= len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        value = (value ^ (value >> shift)) * factor & _WORD
    return value ^ (value >> 16)


def _scrambled(word: int) -> int:
    return _rotated(word * 0xCC9E2D51 & _WORD, 15) * 0x1B873593 & _WORD


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _WORD


def _layers(maps: SceneMaps) -> list[tuple[list[str], Coverage]]:
    """Names of the ids 1.. and their coverage, in the order of ``LAYERS``; id 0 is nothing."""
    coverage = maps.coverage or sharp(maps.instance_map)
    return [(list(instance_names(maps.instances)), coverage), _objects(maps, coverage), _classes(maps, coverage)]


def _objects(maps: SceneMaps, coverage: Coverage) -> tuple[list[str], Coverage]:
    names = list(dict.fromkeys(one.object for one in maps.instances))
    number = {name: index for index, name in enumerate(names, start=1)}
    return names, grouped(coverage, np.array([0, *(number[one.object] for one in maps.instances)], np.uint32))


def _classes(maps: SceneMaps, coverage: Coverage) -> tuple[list[str], Coverage]:
    """Classes count from 1 in the order of the vocabulary; the background carries its own."""
    vocabulary = load(maps.vocabulary)
    names = [one.name for one in vocabulary.classes]
    if maps.coverage is None:  # exact also where parts of an instance have classes of their own
        known = np.where(maps.class_map == NO_CLASS, 0, maps.class_map.astype(np.uint32) + 1)
        return names, sharp(known.astype(np.uint32))
    background = vocabulary.find(maps.background) if maps.background else None
    ids = np.array([NO_CLASS if background is None else background.id, *(one.class_id for one in maps.instances)])
    filled = np.where(coverage.weights > 0, coverage.ids, len(ids))  # an unused rank is not the background
    table = np.append(np.where(ids == NO_CLASS, 0, ids + 1), 0).astype(np.uint32)
    return names, grouped(Coverage(filled, coverage.weights, coverage.samples), table)


def _channels(layer: str, names: Sequence[str], coverage: Coverage) -> dict[str, np.ndarray]:
    """Two ranks a level: "CryptoInstance00.R" holds the first id, ".G" its weight, and so on."""
    floats = np.array([0.0, *map(name_float, names)], np.float32)
    channels = {}
    for rank, (ids, weights) in enumerate(_without_background(coverage)):
        level, pair = divmod(rank, 2)
        channels[f"{layer}{level:02}.{_CHANNELS[2 * pair]}"] = floats[ids]
        channels[f"{layer}{level:02}.{_CHANNELS[2 * pair + 1]}"] = weights
    return channels


def _without_background(coverage: Coverage) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(ids, weights) of each rank, an even number of them. The background is nothing here: what comes after it in a
    pixel moves up."""
    nothing = np.zeros(coverage.ids.shape[:2], np.uint32), np.zeros(coverage.ids.shape[:2], np.float32)
    ranks = [(coverage.ids[..., rank], coverage.weights[..., rank]) for rank in range(coverage.ids.shape[-1])]
    ranks += [nothing] * (1 + len(ranks) % 2)
    moved = np.zeros(nothing[0].shape, bool)
    for (ids, weights), (next_ids, next_weights) in pairwise(ranks):
        moved |= ids == 0
        yield np.where(moved, next_ids, ids), np.where(moved, next_weights, weights)


def _attributes(layer: str, names: Sequence[str]) -> dict[str, str]:
    prefix = f"cryptomatte/{name_hash(layer):08x}"[:-1]  # seven digits
    manifest = {name: f"{name_hash(name):08x}" for name in names}
    return {
        f"{prefix}/name": layer,
        f"{prefix}/hash": "MurmurHash3_32",
        f"{prefix}/conversion": "uint32_to_float32",
        f"{prefix}/manifest": json.dumps(manifest, ensure_ascii=False, separators=(",", ":")),
    }


def _instance_name(one: Instance) -> str:
    if not one.instancer:
        return one.object
    return "|".join((one.object, one.instancer, ".".join(map(str, one.persistent_id))))


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
