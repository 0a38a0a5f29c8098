"""Cryptomatte files, read by the rules of its specification with the OpenEXR library."""

import json
from dataclasses import replace

import numpy as np
import pytest

from blender_segaddon.core.coverage import Coverage
from blender_segaddon.core.cryptomatte import (
    LAYERS,
    instance_names,
    murmur3_32,
    name_float,
    name_hash,
    write_cryptomatte,
)

from .samples import maps


def read(path):
    """({layer: manifest}, {layer: [(ids, weights) a rank]}) from header and channels alone."""
    OpenEXR = pytest.importorskip("OpenEXR")
    file = OpenEXR.File(str(path), separate_channels=True)
    header = {name: value for name, value in file.header().items() if name.startswith("cryptomatte/")}
    channels = {name: one.pixels for name, one in file.channels().items()}
    manifests, ranks = {}, {}
    for key in {name.split("/")[1] for name in header}:
        about = {kind: header[f"cryptomatte/{key}/{kind}"] for kind in ("name", "hash", "conversion", "manifest")}
        assert (about["hash"], about["conversion"]) == ("MurmurHash3_32", "uint32_to_float32") and len(key) == 7
        layer = about["name"]
        manifests[layer] = json.loads(about["manifest"])
        levels = sorted(name[:-2] for name in channels if name.startswith(layer) and name.endswith(".R"))
        assert levels == [f"{layer}{index:02}" for index in range(len(levels))]
        pairs = [(f"{level}.{id}", f"{level}.{weight}") for level in levels for id, weight in ("RG", "BA")]
        ranks[layer] = [(channels[id], channels[weight]) for id, weight in pairs]
    assert all(array.dtype == np.float32 for array in channels.values())
    return manifests, ranks


def matte(manifest, ranks, name):
    wanted = np.array(int(manifest[name], 16), np.uint32).view(np.float32)
    return sum(np.where(ids == wanted, weights, 0) for ids, weights in ranks)


@pytest.mark.parametrize(
    ("text", "hash"),
    [
        ("", 0),
        ("hello", 0x248BFA47),
        ("hello, world", 0x149BBB7F),
        ("The quick brown fox jumps over the lazy dog", 0x2E4FF723),
    ],
)
def test_murmur_hash_of_published_vectors(text, hash):
    assert murmur3_32(text.encode()) == hash


def test_hashes_are_floats_that_compare_equal():
    names = [f"Object.{number:05}" for number in range(20_000)]
    floats = np.array([name_float(name) for name in names], np.float32)
    assert np.isfinite(floats).all() and (np.abs(floats) >= np.finfo(np.float32).tiny).all()
    assert np.array_equal(floats.view(np.uint32), [name_hash(name) for name in names])
    changed = [name for name in names if name_hash(name) != murmur3_32(name.encode())]
    assert changed and all((murmur3_32(name.encode()) >> 23) & 255 in (0, 255) for name in changed)


def test_names_are_unique_and_say_what_they_are():
    base = maps(("tree", 1)).instances[0]
    plain = replace(base, object="Tree", instancer="", persistent_id=())
    rows = [
        plain,
        replace(plain, library="//a.blend"),
        replace(base, object="Tree", instancer="Forest", persistent_id=(3, 1)),
        replace(base, object="Tree", instancer="Forest", persistent_id=(4, 1)),
        replace(plain, object="Tree|Forest|3.1"),
    ]
    names = instance_names(rows)
    assert names == ("Tree", "Tree|//a.blend", "Tree|Forest|3.1", "Tree|Forest|4.1", "Tree|Forest|3.1|2")
    assert len(set(names)) == len(rows)


def test_masks_without_coverage(tmp_path):
    some = maps(("car", 1), ("car", 1), (None, 1))
    write_cryptomatte(tmp_path / "a.exr", some)
    manifests, ranks = read(tmp_path / "a.exr")
    assert set(manifests) == set(LAYERS) and len(ranks["CryptoInstance"]) == 2
    names = instance_names(some.instances)
    assert list(manifests["CryptoInstance"]) == list(names)
    for id, name in enumerate(names, start=1):
        assert np.array_equal(
            matte(manifests["CryptoInstance"], ranks["CryptoInstance"], name), some.instance_map == id
        )
    classes = manifests["CryptoClass"], ranks["CryptoClass"]
    assert np.array_equal(matte(*classes, "car"), np.isin(some.instance_map, (1, 2)))
    assert np.array_equal(matte(*classes, "sky"), some.instance_map == 0)
    total = sum(weights for _, weights in ranks["CryptoInstance"])
    assert np.array_equal(total, some.instance_map > 0)  # the background is nothing


def soft_maps():
    """Six ranks of random shares; instances 1 and 2 are of one object."""
    some = maps(("car", 1), ("car", 1), ("tree", 1), (None, 1))
    rng = np.random.default_rng(0)
    ids = np.stack([rng.permutation(5) for _ in range(48)]).reshape(6, 8, 5).astype(np.uint32)
    weights = -np.sort(-rng.dirichlet(np.ones(5), (6, 8)), axis=-1).astype(np.float32)
    one, two, *rest = some.instances
    two = replace(two, object=one.object, instancer="Twice", persistent_id=(2,))
    return replace(some, instances=(one, two, *rest), coverage=Coverage(ids, weights, 16))


def test_mattes_with_coverage(tmp_path):
    some = soft_maps()
    write_cryptomatte(tmp_path / "a.exr", some)
    manifests, ranks = read(tmp_path / "a.exr")
    assert len(ranks["CryptoInstance"]) == 6
    for id, name in enumerate(instance_names(some.instances), start=1):
        got = matte(manifests["CryptoInstance"], ranks["CryptoInstance"], name)
        assert got == pytest.approx(some.coverage.matte(id), abs=1e-6)
    both = matte(manifests["CryptoObject"], ranks["CryptoObject"], some.instances[0].object)
    assert both == pytest.approx(some.coverage.matte(1, 2), abs=1e-6)
    assert matte(manifests["CryptoClass"], ranks["CryptoClass"], "sky") == pytest.approx(
        some.coverage.matte(0), abs=1e-6
    )
    for layer in LAYERS:
        weights = np.stack([each for _, each in ranks[layer]])
        assert (np.diff(weights, axis=0) <= 0).all()
        for ids, share in ranks[layer]:
            assert ((ids == 0) == (share == 0)).all()


def test_names_beyond_ascii_are_in_the_manifest(tmp_path):
    some = maps(("car", 1), ("car", 1))
    one, two = some.instances
    odd = replace(some, instances=(replace(one, object='Häuschen "港"\n'), replace(two, object="Geb\udce4ude")))
    write_cryptomatte(tmp_path / "a.exr", odd)
    pytest.importorskip("OpenEXR")
    raw = (tmp_path / "a.exr").read_bytes()
    assert 'Häuschen \\"港\\"\\n'.encode() in raw and b"Geb\xe4ude" in raw
