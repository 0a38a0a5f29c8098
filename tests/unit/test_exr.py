"""EXR files as the OpenEXR library reads them."""

import numpy as np
import pytest

from blender_segaddon.core.exr import encode_exr, encode_plain_exr, write_exr
from blender_segaddon.protocol.errors import InvalidInput, StorageError

RNG = np.random.default_rng(0)


def read(path):
    OpenEXR = pytest.importorskip("OpenEXR")
    return OpenEXR.File(str(path), separate_channels=True)


def noise(dtype, shape):
    if dtype == np.uint32:
        return RNG.integers(0, 2**32, shape, dtype=np.uint64).astype(np.uint32)
    return RNG.normal(size=shape).astype(dtype)


@pytest.mark.parametrize("shape", [(1, 1), (16, 5), (17, 4), (50, 33), (3, 200)])
def test_every_pixel_type_and_size_is_read_back(tmp_path, shape):
    """Noise (stored as it is) and flat channels (compressed), blocks that are full and not."""
    kinds = {"A": np.uint32, "B": np.float16, "C": np.float32}
    channels = {f"layer.{letter}": noise(dtype, shape) for letter, dtype in kinds.items()}
    channels |= {"R": np.full(shape, np.inf, np.float32), "Z": np.zeros(shape, np.uint32)}
    write_exr(tmp_path / "a.exr", channels, {"author": "Häfen – 港", "long": "x" * 100_000})
    file = read(tmp_path / "a.exr")
    assert {name: one.pixels.dtype for name, one in file.channels().items()} == {
        name: array.dtype for name, array in channels.items()
    }
    for name, array in channels.items():
        assert np.array_equal(file.channels()[name].pixels, array), name
    assert file.header()["author"] == "Häfen – 港" and len(file.header()["long"]) == 100_000


@pytest.mark.parametrize("shape", [(1, 1, 4), (17, 5, 3), (40, 33, 4)])
def test_a_file_that_is_not_compressed_is_read_back(tmp_path, shape):
    pixels = noise(np.float32, (2 * shape[0], *shape[1:]))[::-2]
    (tmp_path / "a.exr").write_bytes(encode_plain_exr(pixels))
    file = read(tmp_path / "a.exr")
    expected = dict(zip("RGB", np.moveaxis(pixels, -1, 0), strict=False))
    expected["A"] = pixels[..., 3] if shape[2] == 4 else np.ones(shape[:2], np.float32)
    for name, plane in expected.items():
        assert np.array_equal(file.channels()[name].pixels, plane), name


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.float32)])
def test_what_are_no_pixels_is_refused(pixels):
    with pytest.raises(InvalidInput):
        encode_plain_exr(pixels)


def test_views_and_other_byte_orders_are_read_back(tmp_path):
    image = noise(np.float32, (40, 60, 3))
    channels = {"X": image[::-1, ::2, 1], "Y": image[:, :30, 0].astype(">f4").astype("f4"), "Z": image[:, 30:, 2]}
    write_exr(tmp_path / "a.exr", channels)
    for name, array in channels.items():
        assert np.array_equal(read(tmp_path / "a.exr").channels()[name].pixels, array)


def test_long_names_are_flagged(tmp_path):
    name = "a layer with a name that is longer than thirty-one letters.R"
    write_exr(tmp_path / "a.exr", {name: np.ones((2, 2), np.float32)})
    assert name in read(tmp_path / "a.exr").channels()


@pytest.mark.parametrize(
    "channels",
    [
        {},
        {"R": np.zeros((2, 2))},
        {"R": np.zeros((2, 2, 3), "f4")},
        {"R": np.zeros((0, 2), "f4")},
        {"R": np.zeros((2, 2), "f4"), "G": np.zeros((2, 3), "f4")},
        {"": np.zeros((2, 2), "f4")},
        {"a" * 300: np.zeros((2, 2), "f4")},
    ],
)
def test_what_exr_cannot_hold_is_refused(channels):
    with pytest.raises(InvalidInput, match="EXR"):
        encode_exr(channels)


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "a.exr").mkdir()
    with pytest.raises(StorageError, match="in the way"):
        write_exr(tmp_path / "a.exr", {"R": np.zeros((2, 2), np.float32)})
    assert [one.name for one in tmp_path.iterdir()] == ["a.exr"]
