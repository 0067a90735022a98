# SPDX-License-Identifier: Apache-2.0
"""JAX arrays through every room that takes them: the numbers of numpy, in arrays of JAX. Run by arrays_test.py."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fastcv import Camera, _arrays
from fastcv.camera import (
    angle_axis_from_rotation,
    project,
    project_jacobian,
    rotation_from_angle_axis,
    undistort_image,
    unproject,
)
from fastcv.errors import DeviceError
from fastcv.geometry import sampson_errors, sampson_scores
from fastcv.mvs import View, feature_volume, plane_sweep, winner_take_all
from fastcv.nerf import (
    HashGrid,
    Mlp,
    OccupancyGrid,
    clip_box,
    contract,
    distortion_loss,
    frequency_encoding,
    hash_grid,
    hash_grid_vjp,
    march,
    mlp,
    mlp_vjp,
    ndc_depth,
    ndc_rays,
    rays,
    render,
    sample_pdf,
    spherical_harmonics,
)
from fastcv.voxels import VoxelGrid, carve_soft

CAMERA = Camera("OPENCV_FISHEYE", 64, 48, [50, 51, 32.1, 23.9, -0.05, 0.02, -0.003, 0.001])
RNG = np.random.default_rng(0)
POINTS = (RNG.normal(size=(50, 3)) + [0, 0, 5]).astype(np.float32)
PIXELS = RNG.uniform(0, 40, (50, 2)).astype(np.float32)
IMAGE = RNG.integers(0, 255, (48, 64, 3)).astype(np.uint8)
K = np.array([[50.0, 0, 32], [0, 50, 24], [0, 0, 1]])
SHIFT = np.eye(3, 4) - [[0, 0, 0, 0.1], [0, 0, 0, 0], [0, 0, 0, 0]]

F = np.array([[0, -1e-3, 0.1], [1e-3, 0, -0.2], [-0.1, 0.2, 0]], np.float32)
GRID = HashGrid(levels=2, log2_table_size=6, base_resolution=4)
GRAD = RNG.normal(size=(50, GRID.width)).astype(np.float32)
NETWORK = Mlp(3, GRID.width, width=16, bias=True)
DEPTHS = [4.0, 5.0, 6.0, 7.0]


def like(array, other):
    return jnp.asarray(other) if isinstance(array, jax.Array) else other


def sweep(image):
    costs = plane_sweep(View(image, K, np.eye(3, 4)), [View(image, K, SHIFT)], DEPTHS)
    return costs, *winner_take_all(costs, DEPTHS)


def volume(features):
    source = np.roll(np.asarray(features), 2, axis=2)
    return feature_volume(View(features, K, np.eye(3, 4)), [View(like(features, source), K, SHIFT)], DEPTHS)


def probabilities(masks):
    return carve_soft(masks, [K @ SHIFT] * 2, VoxelGrid([-1, -1, 4], 0.25, (8, 8, 8)))


def of_pixels(pixels):
    origins, directions = rays(CAMERA, np.eye(3, 4), pixels)
    pinhole = Camera("PINHOLE", 64, 48, [50, 50, 32, 24])
    return (
        origins,
        directions,
        *clip_box(origins, directions, [[-1, -1, 1], [1, 1, 2]]),
        *ndc_rays(origins, directions, pinhole),
        ndc_depth(origins, directions, directions[:, 0]),
        spherical_harmonics(directions, 3),
        frequency_encoding(directions, 2),
    )


def marched(origins):
    samples = march(origins, like(origins, np.ones_like(POINTS)), 0.0, 9.0, OccupancyGrid(16), step=0.1)
    return samples.starts, sample_pdf(samples, samples.ends, 4)


def rendered(densities):
    edges = np.linspace(0, 1, 11, dtype=np.float32)
    starts, ends = (np.tile(x, (5, 1)) for x in (edges[:-1], edges[1:]))
    colors = np.random.default_rng(2).random((5, 10, 3), np.float32)
    arrays = [like(densities, x) for x in (colors, starts, ends)]
    result = render(densities, *arrays, background=like(densities, np.ones(3, np.float32)))
    return *result, distortion_loss(result.weights, *arrays[1:])


CALLS = {
    "project": (lambda x: project(x, CAMERA), POINTS),
    "project_jacobian": (lambda x: project_jacobian(x, CAMERA), POINTS),
    "unproject": (lambda x: unproject(x, CAMERA), PIXELS),
    "rotation": (lambda x: angle_axis_from_rotation(rotation_from_angle_axis(x)), POINTS / 9),
    "undistort_image": (lambda x: undistort_image(x, CAMERA)[0], IMAGE),
    "sampson_errors": (lambda x: sampson_errors(x, x + 1, like(x, F)), PIXELS),
    "sampson_scores": (lambda x: sampson_scores(x, x + 1, like(x, F[None])), PIXELS),
    "plane_sweep": (sweep, IMAGE),
    "carve_soft": (probabilities, RNG.uniform(size=(2, 48, 64)).astype(np.float32)),
    "hash_grid": (lambda x: hash_grid(x, like(x, GRID.initial_table()), GRID), POINTS),
    "hash_grid_vjp": (lambda x: hash_grid_vjp(x, like(x, GRID.initial_table()), GRID, like(x, GRAD)), POINTS),
    "rays": (of_pixels, PIXELS),
    "march": (marched, POINTS / 9),
    "contract": (contract, POINTS),
    "render": (rendered, RNG.exponential(3, (5, 10)).astype(np.float32)),
    "mlp": (lambda x: mlp(x, like(x, NETWORK.initial_parameters()), NETWORK), POINTS),
    "mlp_vjp": (lambda x: mlp_vjp(x, like(x, NETWORK.initial_parameters()), NETWORK, like(x, GRAD)), POINTS),
    "feature_volume": (volume, RNG.normal(size=(5, 48, 64)).astype(np.float32)),
}


def as_list(results):
    return list(results) if isinstance(results, tuple) else [results]


@pytest.mark.parametrize("name", CALLS)
def test_jax(name):
    call, argument = CALLS[name]
    results, expected = as_list(call(jnp.asarray(argument))), as_list(call(argument))
    assert len(results) == len(expected)
    for result, reference in zip(results, expected, strict=True):
        assert isinstance(result, jax.Array)
        # Without jax_enable_x64 every array of JAX has 32 bits.
        np.testing.assert_array_equal(np.asarray(result), np.float32(reference))


def test_jax_in_double():
    with jax.enable_x64(True):
        result = project(jnp.asarray(POINTS.astype(np.float64)), CAMERA)
        assert result.dtype == np.float64
        np.testing.assert_array_equal(np.asarray(result), project(POINTS.astype(np.float64), CAMERA))


@pytest.mark.parametrize("transform", [jax.jit, lambda f: jax.vmap(lambda x: f(x[None])), lambda f: jax.grad(f)])
def test_jax_tracers_have_no_values(transform):
    message = "points: expected an array with values, got a tracer: call outside of jit, grad and vmap"
    with pytest.raises(TypeError, match=message):
        transform(lambda points: project(points, CAMERA))(jnp.asarray(POINTS))


def test_jax_on_a_gpu(monkeypatch):
    monkeypatch.setattr(_arrays, "device_of", lambda _: "cuda")
    with pytest.raises(DeviceError, match=r"^points: expected a JAX array on cpu, got one on cuda"):
        project(jnp.asarray(POINTS), CAMERA)


def test_frameworks_do_not_mix():
    with pytest.raises(TypeError, match=r"^points2: expected a jax array as the arguments before it, got numpy$"):
        sampson_errors(jnp.asarray(PIXELS), PIXELS, np.eye(3))
