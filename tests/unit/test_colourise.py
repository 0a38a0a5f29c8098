import numpy as np

from blender_segaddon.core import colourise
from blender_segaddon.core.maps import NO_CLASS
from blender_segaddon.core.vocabulary import load


def test_semantic_image_has_the_exact_palette():
    vocabulary = load("ade20k")
    classes = np.append(np.arange(150), [NO_CLASS, 4000]).astype(np.uint16).reshape(8, 19)
    image = colourise.semantic_image(classes, vocabulary).reshape(-1, 3)
    assert np.array_equal(image[:150], vocabulary.palette)
    assert not image[150:].any() and image.dtype == np.uint8


def test_instance_colours_are_distinct_repeatable_and_not_the_background():
    ids = np.arange(401, dtype=np.uint32).reshape(1, -1)
    image = colourise.instance_image(ids)
    assert len(np.unique(image[0], axis=0)) == 401
    assert image[0, 0].max() < 20 and image[0, 1:].max(axis=1).min() > 120
    assert np.array_equal(colourise.instance_image(ids[:, 7:9]), image[:, 7:9])
    neighbours = np.abs(np.diff(image[0, 1:].astype(int), axis=0)).max(axis=1)
    assert neighbours.min() > 40


def test_depth_image_is_bright_near_and_black_behind():
    depth = np.geomspace(1, 50, 1000, dtype=np.float32).reshape(20, 50)
    depth[0, 0] = 1e-4  # one pixel right before the camera must not darken all others
    depth[19, 49] = np.inf
    image = colourise.depth_image(depth)
    assert np.array_equal(image[..., 0], image[..., 2]) and image.shape == (20, 50, 3)
    gray = image[..., 0].ravel().astype(int)
    assert gray[-1] == 0 and gray[-2] >= 20 and gray[1] > 240
    assert (np.diff(gray[:-1]) <= 0).all()


def test_depth_image_of_nothing_and_of_one_wall():
    assert not colourise.depth_image(np.full((4, 5), np.inf, np.float32)).any()
    wall = colourise.depth_image(np.full((4, 5), 3.0, np.float32))
    assert (wall == 255).all()


def test_normal_image_axes():
    normal = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [-1, 0, 0]]], np.float32)
    expected = [[255, 128, 128], [128, 255, 128], [128, 128, 255], [128, 128, 255], [0, 128, 128]]
    assert colourise.normal_image(normal)[0].tolist() == expected
