# SPDX-License-Identifier: Apache-2.0
"""Rendered meshes against closed forms: planes, boxes from inside, spheres, lenses, and every rule for one pixel."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import Camera, camera, meshes
from fastcv.mesh import Mesh, Texture

CAMERA = Camera("PINHOLE", 64, 48, np.array([60.0, 62, 31, 25]))
POSE = np.eye(3, 4)


def rays(cam: Camera) -> np.ndarray:
    """(H, W, 3) directions through the centres of the pixels, z = 1."""
    x, y = np.meshgrid(np.arange(cam.width) + 0.5, np.arange(cam.height) + 0.5)
    return np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(cam.matrix).T


def fan(n: int, depth: float, seed: int) -> Mesh:
    """A plane z = depth, wider than the picture, of random triangles that share all of their edges."""
    spatial = pytest.importorskip("scipy.spatial")
    points = np.random.default_rng(seed).uniform(-4, 4, (n, 2))
    points = np.concatenate([points, [[-9, -9], [9, -9], [-9, 9], [9, 9]]])
    faces = spatial.Delaunay(points).simplices.astype(np.int32)
    return Mesh(np.c_[points, np.full(len(points), depth)], faces)


def box(half: float) -> Mesh:
    corners = half * np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)], np.float64)
    quads = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]
    return Mesh(corners, np.array([[q[0], q[i], q[i + 1]] for q in quads for i in (1, 2)], np.int32))


def ball(n: int) -> Mesh:
    """A unit sphere of n × 2 n quads."""
    latitude, longitude = np.linspace(-np.pi / 2, np.pi / 2, n + 1), np.linspace(0, 2 * np.pi, 2 * n + 1)[:-1]
    a, b = (g.ravel() for g in np.meshgrid(latitude, longitude, indexing="ij"))
    vertices = np.stack([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)], -1)
    row, column = (g.ravel() for g in np.meshgrid(np.arange(n), np.arange(2 * n), indexing="ij"))
    right = (column + 1) % (2 * n)
    quads = np.stack([row * 2 * n + column, row * 2 * n + right, (row + 1) * 2 * n + right, (row + 1) * 2 * n + column])
    faces = np.concatenate([quads[[0, 1, 2]].T, quads[[0, 2, 3]].T])
    return Mesh(vertices.astype(np.float32), faces.astype(np.int32), normals=vertices.astype(np.float32))


@pytest.mark.parametrize("n", [4, 60, 4000])
def test_a_plane_has_no_gaps(n):
    mesh = fan(n, 3.0, seed=n)
    view = meshes.render_mesh(mesh, CAMERA, POSE)
    assert (view.faces >= 0).all()
    np.testing.assert_allclose(view.depth, 3.0, rtol=1e-6)
    np.testing.assert_allclose(view.weights.sum(-1), 1, atol=1e-6)
    points = np.einsum("hwk,hwkc->hwc", view.weights, mesh.vertices[mesh.faces[view.faces]])
    np.testing.assert_allclose(points, 3 * rays(CAMERA), atol=2e-5)


def test_edges_through_pixel_centres_leave_no_gap():
    """A grid of squares whose corners and sides fall onto the centres of pixels."""
    cam = Camera("SIMPLE_PINHOLE", 16, 16, np.array([16.0, 0, 0]))
    x, y = np.meshgrid(np.arange(17), np.arange(17))
    vertices = np.stack([x.ravel() + 0.5, y.ravel() + 0.5, np.full(x.size, 16.0)], -1)
    corner = (np.arange(16)[:, None] * 17 + np.arange(16)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + 18], -1), np.stack([corner, corner + 18, corner + 17], -1)]
    )
    view = meshes.render_mesh(Mesh(vertices, faces.astype(np.int32)), cam, POSE)
    assert (view.faces >= 0).all()


def test_sphere_in_closed_form():
    pose = np.c_[np.eye(3), [0.1, -0.2, 4]]
    view = meshes.render_mesh(ball(400), CAMERA, pose)
    direction = rays(CAMERA)
    squared, along = np.sum(direction**2, -1), direction @ pose[:, 3]
    under_root = along**2 - squared * (pose[:, 3] @ pose[:, 3] - 1)
    hit = under_root > 0
    edge = np.abs(under_root) < 1e-3  # there a polygon of 800 sides is not the circle
    np.testing.assert_array_equal((view.faces >= 0)[~edge], hit[~edge])
    expected = (along - np.sqrt(np.maximum(under_root, 0))) / squared
    clear = under_root > 0.05
    np.testing.assert_allclose(view.depth[clear], expected[clear], atol=1e-4)
    # Lit from the camera: the cosine of the angle at which the ray meets the sphere.
    points = direction * expected[..., None] - pose[:, 3]
    cosine = -np.sum(points * direction, -1) / np.sqrt(squared)
    np.testing.assert_allclose(
        view.colors[clear], (200 * (0.25 + 0.75 * cosine))[clear][:, None].repeat(3, 1), atol=1.0
    )
    assert (view.colors[~hit & ~edge] == 255).all()


def test_from_within_a_box():
    """Every triangle passes behind the camera or beside it."""
    mesh = box(1.0)
    angle = 0.3
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    eye = np.array([0.2, -0.1, 0.3])
    view = meshes.render_mesh(mesh, CAMERA, np.c_[turn, -turn @ eye])
    direction = rays(CAMERA) @ turn
    with np.errstate(divide="ignore"):
        expected = ((np.sign(direction) - eye) / direction).min(-1)
    assert (view.faces >= 0).all()
    np.testing.assert_allclose(view.depth, expected, rtol=1e-6)


def test_nearest_wins_and_the_first_of_equals():
    near, far = np.array([[-9, -9, 2], [9, -9, 2], [0, 9, 2]]), np.array([[-9, -9, 4], [9, -9, 4], [0, 9, 4]])
    vertices = np.concatenate([far, near, near]).astype(np.float32)
    faces = np.arange(9, dtype=np.int32).reshape(3, 3)
    for order, expected in (([0, 1, 2], 1), ([2, 1, 0], 0), ([1, 0, 2], 0)):
        view = meshes.render_mesh(Mesh(vertices, faces[order]), CAMERA, POSE)
        assert view.faces[20, 31] == expected
    behind = vertices * np.array([1, 1, -1], np.float32)
    assert (meshes.render_mesh(Mesh(behind, faces), CAMERA, POSE).faces == -1).all()


def test_both_sides_are_drawn_and_triangles_without_area_are_not():
    vertices = np.array([[-9, -9, 2], [9, -9, 2], [0, 9, 2], [0, 0, 2]], np.float32)
    faces = np.array([[0, 2, 1], [3, 3, 3], [0, 1, 1]], np.int32)
    view = meshes.render_mesh(Mesh(vertices, faces), CAMERA, POSE)
    assert set(np.unique(view.faces)) <= {-1, 0}
    assert view.faces[20, 31] == 0


def test_colors_are_linear_in_space():
    """On a floor that recedes, not in the picture."""
    vertices = np.array([[-1, 1, 1], [1, 1, 1], [1, 1, 9], [-1, 1, 9]], np.float32)
    colors = np.array([[0, 0, 0], [0, 0, 0], [0, 240, 0], [0, 240, 0]], np.uint8)
    mesh = Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]], np.int32), colors)
    view = meshes.render_mesh(mesh, CAMERA, POSE, background=(1, 2, 3))
    seen = view.faces >= 0
    assert seen.sum() > 300
    z = 1 / rays(CAMERA)[..., 1]
    np.testing.assert_allclose(view.colors[seen][:, 1], 30 * (z[seen] - 1), atol=0.6)
    assert (view.colors[~seen] == [1, 2, 3]).all()
    lit = meshes.render_mesh(mesh, CAMERA, POSE, shaded=True)
    assert (lit.colors[seen][:, 1] <= view.colors[seen][:, 1]).all()
    assert lit.colors[seen][:, 1].sum() < 0.9 * view.colors[seen][:, 1].sum()


def test_texture_pixel_by_pixel():
    """A picture on a wall that the camera sees at its own resolution."""
    picture = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    cam = Camera("SIMPLE_PINHOLE", 64, 48, np.array([64.0, 32, 24]))
    uv = np.array([[0, 0], [64, 0], [64, 48], [0, 48]], np.float32)
    vertices = np.c_[(uv - [32, 24]) / 64, np.ones(4)].astype(np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    mesh = Mesh(vertices, faces, texture=Texture(picture, uv[faces]))
    np.testing.assert_array_equal(meshes.render_mesh(mesh, cam, POSE).colors, picture)
    # Half a pixel further: the mean of four pixels around a corner, but for the last row and column.
    moved = Mesh(vertices, faces, texture=Texture(picture, uv[faces] + np.float32(0.5)))
    mean = sum(picture[y : y + 47, x : x + 63].astype(float) for y in (0, 1) for x in (0, 1)) / 4
    np.testing.assert_allclose(meshes.render_mesh(moved, cam, POSE).colors[:-1, :-1], mean, atol=0.51)


@pytest.mark.parametrize("model", ["OPENCV", "OPENCV_FISHEYE"])
def test_lenses(model):
    cam = Camera(model, 64, 48, np.array([60.0, 62, 31, 25, 0.05, -0.02, 0.001, 0.002]))
    mesh, pose = ball(200), np.c_[np.eye(3), [0.1, -0.2, 4]]
    view = meshes.render_mesh(mesh, cam, pose)
    x, y = np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5)
    direction = camera.unproject(np.stack([x.ravel(), y.ravel()], -1), cam).reshape(48, 64, 3)
    squared, along = np.sum(direction**2, -1), direction @ pose[:, 3]
    under_root = along**2 - squared * (pose[:, 3] @ pose[:, 3] - 1)
    clear = np.abs(under_root) > 0.05 * squared
    np.testing.assert_array_equal((view.faces >= 0)[clear], under_root[clear] > 0)
    deep = clear & (under_root > 0)
    expected = (along - np.sqrt(np.maximum(under_root, 0))) / squared * direction[..., 2]
    np.testing.assert_allclose(view.depth[deep], expected[deep], atol=2e-3)


@pytest.mark.parametrize("num_threads", [1, 2, 5])
def test_same_for_every_number_of_threads(num_threads):
    mesh, pose = ball(150), np.c_[np.eye(3), [0.1, -0.2, 3]]
    cam = Camera("SIMPLE_PINHOLE", 301, 203, np.array([200.0, 150, 100]))
    one, other = (meshes.render_mesh(mesh, cam, pose, num_threads=n) for n in (3, num_threads))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_to_draw():
    empty = Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    view = meshes.render_mesh(empty, CAMERA, POSE)
    assert (view.faces == -1).all()
    assert (view.depth == 0).all()
    assert (view.colors == 255).all()


def test_wrong_arguments():
    mesh = box(1.0)
    with pytest.raises(ValueError, match=r"cam_from_world: expected \(3, 4\) finite numbers"):
        meshes.render_mesh(mesh, CAMERA, np.eye(4))
    with pytest.raises(ValueError, match="cam_from_world: expected"):
        meshes.render_mesh(mesh, CAMERA, np.full((3, 4), np.nan))
    with pytest.raises(ValueError, match="camera: expected a camera whose image is one of depths, got EQUI"):
        meshes.render_mesh(mesh, Camera("EQUIRECTANGULAR", 64, 32, np.array([64.0, 32])), POSE)
