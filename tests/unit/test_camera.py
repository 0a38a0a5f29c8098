import json

import numpy as np
import pytest

from blender_segaddon.core.camera import Camera

WIDTH, HEIGHT = 24, 16
SENSOR, LENS, SHIFT_X, SHIFT_Y = 36.0, 28.0, 0.13, -0.07
ORTHO_SCALE = 6.5
NEAR, FAR = 0.1, 50.0


def world() -> np.ndarray:
    """A camera somewhere, turned about two axes."""
    a, b = 0.7, -0.4
    turn_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn_z @ turn_x, (3.0, -2.0, 1.5)
    return matrix


def window() -> tuple[float, float, float, float]:
    """left, right, bottom, top of Blender's view window for a width of 1: shifts count in widths (sensor fit auto)."""
    half = HEIGHT / WIDTH / 2
    return -0.5 + SHIFT_X, 0.5 + SHIFT_X, -half + SHIFT_Y, half + SHIFT_Y


def frustum() -> np.ndarray:
    left, right, bottom, top = (side * SENSOR / LENS * NEAR for side in window())
    return np.array(
        [
            [2 * NEAR / (right - left), 0, (right + left) / (right - left), 0],
            [0, 2 * NEAR / (top - bottom), (top + bottom) / (top - bottom), 0],
            [0, 0, -(FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)],
            [0, 0, -1, 0],
        ]
    )


def ortho() -> np.ndarray:
    left, right, bottom, top = (side * ORTHO_SCALE for side in window())
    return np.array(
        [
            [2 / (right - left), 0, 0, -(right + left) / (right - left)],
            [0, 2 / (top - bottom), 0, -(top + bottom) / (top - bottom)],
            [0, 0, -2 / (FAR - NEAR), -(FAR + NEAR) / (FAR - NEAR)],
            [0, 0, 0, 1],
        ]
    )


def camera(type: str) -> Camera:
    matrix = {"PERSP": frustum, "ORTHO": ortho, "PANO": lambda: np.eye(4)}[type]()
    return Camera(type, WIDTH, HEIGHT, NEAR, FAR, world(), matrix)  # type: ignore[arg-type]


def expected_view_points(type: str, depth: np.ndarray) -> np.ndarray:
    """Camera-space points pixel by pixel, from lens, sensor and angles: no matrix involved."""
    points = np.empty((HEIGHT, WIDTH, 3))
    for row in range(HEIGHT):
        for column in range(WIDTH):
            u, v = (column + 0.5) / WIDTH, (row + 0.5) / HEIGHT
            across, up = u - 0.5 + SHIFT_X, (0.5 - v) * HEIGHT / WIDTH + SHIFT_Y
            distance = depth[row, column]
            if type == "PERSP":
                points[row, column] = np.array([across * SENSOR / LENS, up * SENSOR / LENS, -1]) * distance
            elif type == "ORTHO":
                points[row, column] = across * ORTHO_SCALE, up * ORTHO_SCALE, -distance
            else:
                yaw, pitch = (u - 0.5) * 2 * np.pi, (0.5 - v) * np.pi
                forward = np.array([0.0, np.sin(pitch), -np.cos(pitch)])
                turned = [-np.sin(yaw) * forward[2], forward[1], np.cos(yaw) * forward[2]]
                points[row, column] = np.array(turned) * distance
    return points


@pytest.mark.parametrize("type", ["PERSP", "ORTHO", "PANO"])
def test_points_and_pixels(type):
    depth = np.random.default_rng(5).uniform(0.5, 40, (HEIGHT, WIDTH))
    one, matrix = camera(type), world()
    expected = expected_view_points(type, depth)
    assert np.allclose(one.view_points(depth), expected, atol=1e-9)
    points = one.world_points(depth)
    homogeneous = np.concatenate([expected, np.ones((HEIGHT, WIDTH, 1))], axis=-1)
    assert np.allclose(points, (homogeneous @ matrix.T)[..., :3], atol=1e-9)

    pixels, found = one.project(points)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    assert np.allclose(pixels[..., 0], x, atol=1e-7) and np.allclose(pixels[..., 1], y, atol=1e-7)
    assert np.allclose(found, depth)


@pytest.mark.parametrize("type", ["PERSP", "ORTHO", "PANO"])
def test_background_gives_no_finite_point(type):
    points = camera(type).world_points(np.full((HEIGHT, WIDTH), np.inf, np.float32))
    assert not np.isfinite(points).all(axis=-1).any()


def test_a_point_behind_the_camera_has_no_positive_depth():
    behind = world()[:3, 3] + 2 * world()[:3, 2]
    assert camera("PERSP").project(behind)[1] == pytest.approx(-2)


def test_panorama_looks_around():
    rays = camera("PANO").rays()
    assert np.allclose(np.linalg.norm(rays, axis=-1), 1)
    assert rays[HEIGHT // 2, WIDTH // 2, 2] < -0.95  # middle: forward
    assert rays[HEIGHT // 2, WIDTH * 3 // 4, 0] > 0.95  # right of it: right
    assert rays[0, :, 1].min() > 0.95  # top: up


def test_dict_round_trip_survives_json():
    one = camera("PERSP")
    other = Camera.from_dict(json.loads(json.dumps(one.to_dict())))
    assert other.to_dict() == one.to_dict()
    assert np.array_equal(other.projection_matrix, one.projection_matrix) and other.matrix_world.dtype == np.float64
