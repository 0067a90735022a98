# SPDX-License-Identifier: Apache-2.0
"""Textures of two balls from photographs in closed form: the truth, seams, what is hidden, and who passes by."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import Camera, camera, meshes, voxels
from fastcv.mesh import Mesh
from fastcv.meshes._adjacency import face_neighbors
from fastcv.meshes._atlas import PADDING, pack_charts
from fastcv.meshes._exposure import estimate_gains
from fastcv.meshes._raster import sample_image

pytest.importorskip("fast_simplification")
BALLS = ((np.array([0.0, 0, 0]), 1.0), (np.array([1.3, 0.2, 0.4]), 0.45))
CAMERA = Camera("PINHOLE", 240, 180, np.array([225.0, 225, 120, 90]))


def pose_from(eye) -> np.ndarray:
    """cam_from_world of a camera at ``eye`` that looks at the balls."""
    eye = np.asarray(eye, float)
    z = np.array([0.3, 0, 0.1]) - eye
    z /= np.linalg.norm(z)
    x = np.cross(z, [0.0, 0, -1])
    x /= -np.linalg.norm(x)
    R = np.stack([-x, np.cross(z, -x), z])
    return np.c_[R, -R @ eye]


def stripes(points: np.ndarray, _ball: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(points, -1, 0)
    waves = [np.sin(6 * x + 3 * np.sin(4 * y)), np.sin(7 * y + 3 * z), np.sin(6 * z - 5 * x)]
    return 125 + 85 * np.stack(waves, -1)


def plain(_points: np.ndarray, ball: np.ndarray) -> np.ndarray:
    """The large ball is green, the small one red."""
    return np.where(ball[..., None] == 0, [20.0, 200, 20], [220.0, 10, 10])


def photograph(pose: np.ndarray, paint=stripes, cam: Camera = CAMERA) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) float colours of the balls on black, and where they are."""
    x, y = np.meshgrid(np.arange(cam.width) + 0.5, np.arange(cam.height) + 0.5)
    directions = camera.unproject(np.stack([x.ravel(), y.ravel()], -1), cam).reshape(*x.shape, 3)
    directions = directions @ pose[:, :3]
    eye = -pose[:, :3].T @ pose[:, 3]
    distances = []
    for center, radius in BALLS:
        squared, along = np.sum(directions**2, -1), directions @ (eye - center)
        under_root = along**2 - squared * (np.sum((eye - center) ** 2) - radius**2)
        distances.append(np.where(under_root > 0, -along - np.sqrt(np.maximum(under_root, 0)), np.inf) / squared)
    nearest = np.minimum(*distances)
    seen = np.isfinite(nearest)
    points = eye + directions * np.where(seen, nearest, 0)[..., None]
    return np.where(seen[..., None], paint(points, np.argmin(distances, axis=0)), 0), seen


def as_bytes(image: np.ndarray, gain: float = 1.0) -> np.ndarray:
    return np.clip(np.round(gain * image), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def balls() -> Mesh:
    n = 64
    grid = voxels.VoxelGrid([-1.2, -1.3, -1.2], 3.2 / n, (n, n, n))
    centers = np.stack([grid.centers(z) for z in range(n)])
    distance = np.minimum(*(np.linalg.norm(centers - center, axis=-1) - radius for center, radius in BALLS))
    return meshes.simplify_mesh(voxels.marching_cubes(distance.astype(np.float32), grid), 3000)


@pytest.fixture(scope="module")
def poses() -> list[np.ndarray]:
    """Two rings of six, so that all but what lies between the balls is seen."""
    angles = np.arange(12) * np.pi / 3
    return [pose_from([4 * np.cos(a), 4 * np.sin(a), (-1.5, 1.7)[i // 6]]) for i, a in enumerate(angles + 0.3)]


NEW_EYES = ([3.5, 1.5, 0.5], [-3, 2, 1], [0.5, -3.6, -0.6], [1, 1, 3.6])


def psnr(mesh: Mesh, eye, paint=stripes) -> float:
    """Against the truth, where both show the balls."""
    truth, seen = photograph(pose_from(eye), paint)
    view = meshes.render_mesh(mesh, CAMERA, pose_from(eye))
    both = seen & (view.faces >= 0)
    assert both.sum() > 0.99 * seen.sum()
    return 10 * np.log10(255**2 / np.mean((view.colors[both] - truth[both]) ** 2))


def seam_differences(mesh: Mesh) -> np.ndarray:
    """Colour on one side of the seams less that on the other, at three places of each edge."""
    neighbors = face_neighbors(mesh.faces)
    face, corner = np.nonzero(neighbors >= 0)
    other = neighbors[face, corner]
    ends = [mesh.faces[face, (corner + k) % 3] for k in (1, 2)]
    uv = mesh.texture.uv.astype(float)
    here = [uv[face, (corner + k) % 3] for k in (1, 2)]
    there = [uv[other, np.argmax(mesh.faces[other] == end[:, None], axis=1)] for end in ends]
    seam = np.abs(here[0] - there[0]).max(1) + np.abs(here[1] - there[1]).max(1) > 1e-3
    result = []
    for t in (0.25, 0.5, 0.75):
        a, b = (sample_image(mesh.texture.image, ((1 - t) * p[0] + t * p[1])[seam]) for p in (here, there))
        result.append(a.astype(float) - b)
    return np.concatenate(result)


def test_looks_like_the_truth_from_elsewhere(balls, poses):
    images = [as_bytes(photograph(pose)[0]) for pose in poses]
    textured = meshes.texture_mesh(balls, images, [(CAMERA, pose) for pose in poses], size=1024)
    assert min(psnr(textured, eye) for eye in NEW_EYES) > 33
    np.testing.assert_array_equal(textured.vertices, balls.vertices)


def test_seams_do_not_show(balls, poses):
    """Photographs of another brightness each, by up to a quarter: raw charts differ by much, levelled ones do not."""
    gains = np.random.default_rng(2).uniform(0.75, 1.2, len(poses))
    gains /= np.exp(np.log(gains).mean())  # how bright all of them are together, nobody can know
    images = [as_bytes(photograph(pose)[0], gain) for pose, gain in zip(poses, gains, strict=True)]
    textured = meshes.texture_mesh(balls, images, [(CAMERA, pose) for pose in poses], size=1024)
    difference = seam_differences(textured)
    assert len(difference) > 300
    # Two photographs of a place differ by the gains' difference, 0.18 in the mean square, of 140: by 25. Mixtures leave
    # what lies where only one of them sees both sides.
    assert np.median(np.abs(difference)) < 1
    assert np.sqrt(np.mean(difference**2)) < 5
    # As without gains. Corrections that are added, alone, came to 29.
    assert min(psnr(textured, eye) for eye in NEW_EYES) > 33


def test_what_is_added_to_a_photograph_does_not_show(balls, poses):
    """Haze of up to eight levels, beside gains: corrections along seams take what gains leave."""
    rng = np.random.default_rng(2)
    gains, haze = np.exp(rng.uniform(-0.15, 0.15, len(poses))), rng.uniform(-8, 8, len(poses))
    gains /= np.exp(np.log(gains).mean())
    haze -= haze.mean()
    seen = [photograph(pose) for pose in poses]
    images = [as_bytes(g * one + h * there[..., None]) for g, h, (one, there) in zip(gains, haze, seen, strict=True)]
    textured = meshes.texture_mesh(balls, images, [(CAMERA, pose) for pose in poses], size=1024)
    assert min(psnr(textured, eye) for eye in NEW_EYES) > 34


def test_gains_are_those_of_the_photographs():
    """Seven photographs in a chain, of 500 triangles: each has its own white balance, a fifth shows other things."""
    rng = np.random.default_rng(7)
    truth = np.exp(rng.uniform(-0.2, 0.2, (7, 3)))
    truth /= np.exp(np.log(truth).mean(0))
    own = rng.uniform(30, 200, (500, 3))
    colors = truth[:, None] * own + rng.normal(0, 2, (7, 500, 3))
    other = rng.random((7, 500)) < 0.2
    colors[other] = rng.uniform(0, 255, (other.sum(), 3))
    middle = np.linspace(0, 500, 7)[:, None]
    quality = np.where(np.abs(np.arange(500) - middle) < 120, rng.uniform(1, 9, (7, 500)), 0)
    gains = estimate_gains(quality.astype(np.float32), np.clip(colors, 0, 255).astype(np.float32))
    # Noise of 2 levels in some 40 triangles that neighbours share is 0.3 % between neighbours, some more along a chain.
    np.testing.assert_allclose(gains, truth, rtol=0.02)
    np.testing.assert_allclose(np.log(gains).mean(0), 0, atol=1e-12)


def test_a_photograph_that_shares_nothing_keeps_its_brightness():
    quality = np.array([[1, 1, 0], [0, 0, 1]], np.float32)
    np.testing.assert_array_equal(estimate_gains(quality, np.full((2, 3, 3), 90, np.float32)), np.ones((2, 3)))


def test_nothing_hidden_is_painted_with_what_hides_it(balls, poses):
    images = [as_bytes(photograph(pose, plain)[0]) for pose in poses]
    textured = meshes.texture_mesh(balls, images, [(CAMERA, pose) for pose in poses], size=1024)
    for eye in NEW_EYES:
        assert psnr(textured, eye, plain) > 25
    centers = textured.vertices[textured.faces].mean(1)
    colors = sample_image(textured.texture.image, textured.texture.uv.mean(1))
    large = np.linalg.norm(centers - BALLS[0][0], axis=1) < np.linalg.norm(centers - BALLS[1][0], axis=1) - 0.5
    small = np.linalg.norm(centers - BALLS[1][0], axis=1) < 0.5
    touching = np.linalg.norm(centers - [0.9, 0.14, 0.28], axis=1) < 0.35  # there the mesh itself mixes the two
    np.testing.assert_allclose(colors[large & ~touching], [[20, 200, 20]] * (large & ~touching).sum(), atol=25)
    np.testing.assert_allclose(colors[small & ~touching], [[220, 10, 10]] * (small & ~touching).sum(), atol=25)
    assert (large & ~touching).sum() > 1200
    assert (small & ~touching).sum() > 200


def test_a_passer_by_is_left_out(balls, poses):
    images = [as_bytes(photograph(pose, plain)[0]) for pose in poses]
    images[2][60:130, 90:150] = [255, 0, 255]
    images[9][40:160, 110:125] = [0, 255, 255]
    textured = meshes.texture_mesh(balls, images, [(CAMERA, pose) for pose in poses], size=1024)
    for eye in NEW_EYES:
        assert psnr(textured, eye, plain) > 25


def test_a_small_texture_has_all_charts(balls, poses):
    images = [as_bytes(photograph(pose)[0]) for pose in poses]
    views = [(CAMERA, pose) for pose in poses]
    textured = meshes.texture_mesh(balls, images, views, size=160)
    assert textured.texture.image.shape[1] == 160
    assert textured.texture.image.shape[0] <= 160
    assert np.mean([psnr(textured, eye) for eye in NEW_EYES]) > 22
    with pytest.raises(ValueError, match="size: expected a picture that holds the charts of 3000 triangles, got 16"):
        meshes.texture_mesh(balls, images, views, size=16)


def test_one_view_and_what_it_does_not_see(balls, poses):
    image = as_bytes(photograph(poses[0], plain)[0])
    textured = meshes.texture_mesh(balls, [image], [(CAMERA, poses[0])], size=512)
    front = meshes.render_mesh(textured, CAMERA, poses[0])
    inner = (front.faces >= 0) & (image.max(-1) > 0)
    assert np.median(np.abs(front.colors[inner].astype(int) - image[inner])) <= 1
    # The far side of the large ball takes the green around it.
    behind = meshes.render_mesh(textured, CAMERA, pose_from([-4 * np.cos(0.3), -4 * np.sin(0.3), 0.0]))
    np.testing.assert_allclose(np.median(behind.colors[behind.faces >= 0], axis=0), [20, 200, 20], atol=10)


def test_lenses(balls, poses):
    cam = Camera("OPENCV", 240, 180, np.array([225.0, 225, 120, 90, -0.15, 0.03, 0.001, -0.001]))
    images = [as_bytes(photograph(pose, cam=cam)[0]) for pose in poses]
    textured = meshes.texture_mesh(balls, images, [(cam, pose) for pose in poses], size=1024)
    assert min(psnr(textured, eye) for eye in NEW_EYES) > 31


def test_poses_with_skew(balls, poses):
    """A camera's matrix and a pose of the same product: what is no pinhole camera's can stand in the pose."""
    shear = np.array([[1, 0.2, 0.0], [0, 1, 0], [0, 0, 1]])
    skew = CAMERA.matrix @ shear @ np.linalg.inv(CAMERA.matrix)
    y, x = np.mgrid[:180, :240] + 0.5
    pixels = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(skew).T
    images = [
        sample_image(as_bytes(photograph(pose)[0]), pixels[..., :2].reshape(-1, 2)).reshape(180, 240, 3)
        for pose in poses
    ]
    views = [(CAMERA, shear @ pose) for pose in poses]
    textured = meshes.texture_mesh(balls, [as_bytes(image) for image in images], views, size=1024)
    assert min(psnr(textured, eye) for eye in NEW_EYES) > 31  # photographs are sampled once more


def test_same_for_every_number_of_threads_and_progress(balls, poses):
    images, views = [as_bytes(photograph(pose)[0]) for pose in poses[:4]], [(CAMERA, pose) for pose in poses[:4]]
    seen = []
    one = meshes.texture_mesh(balls, images, views, size=256, num_threads=1, progress=lambda *n: seen.append(n))
    two = meshes.texture_mesh(balls, images, views, size=256, num_threads=3)
    np.testing.assert_array_equal(one.texture.image, two.texture.image)
    np.testing.assert_array_equal(one.texture.uv, two.texture.uv)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_charts_lie_apart():
    rng = np.random.default_rng(4)
    charts = np.repeat(np.arange(40), 5)
    charts[::17] = -1
    places = rng.uniform(0, 30, (200, 3, 2)) + 50 * charts[:, None, None]
    atlas = pack_charts(places, charts, 256)
    low = np.array([atlas.uv[charts == k].min((0, 1)) for k in range(40)]) - PADDING
    high = np.array([atlas.uv[charts == k].max((0, 1)) for k in range(40)]) + PADDING
    assert low.min() >= -1e-9
    assert (high.max(0) <= np.array(atlas.shape[::-1]) + 1e-9).all()
    apart = (high[:, None] <= low[None] + 1e-9).any(-1)
    assert (apart | apart.T | np.eye(40, dtype=bool)).all()
    cells = atlas.uv[charts == -1][:, 0] - 0.5
    assert len(np.unique(cells, axis=0)) == (charts == -1).sum()
    assert atlas.scale <= 1


def test_neighbors_across_edges():
    faces = np.array([[0, 1, 2], [2, 1, 3], [0, 4, 1], [4, 0, 1], [5, 6, 7]], np.int32)
    # Edge 0-1 has three triangles and counts as a border; 2 and 3 share their other edges twice.
    expected = [[1, -1, -1], [-1, -1, 0], [3, -1, 3], [-1, 2, 2], [-1, -1, -1]]
    np.testing.assert_array_equal(face_neighbors(faces), expected)


def test_wrong_arguments(balls, poses):
    image = as_bytes(photograph(poses[0])[0])
    view = (CAMERA, poses[0])
    with pytest.raises(ValueError, match="images: expected at least one, got none"):
        meshes.texture_mesh(balls, [], [])
    with pytest.raises(ValueError, match=r"cameras: expected one per image \(1\), got 2"):
        meshes.texture_mesh(balls, [image], [view, view])
    with pytest.raises(TypeError, match=r"images\[0\]: expected dtype uint8, got float64"):
        meshes.texture_mesh(balls, [image.astype(float)], [view])
    with pytest.raises(
        ValueError, match=r"images\[0\]: expected its camera's shape \(180, 240, 3\), got \(90, 240, 3\)"
    ):
        meshes.texture_mesh(balls, [image[::2]], [view])
    with pytest.raises(ValueError, match=r"cameras\[0\]: expected a pose of \(3, 4\) finite numbers"):
        meshes.texture_mesh(balls, [image], [(CAMERA, np.eye(3))])
    with pytest.raises(ValueError, match="size: expected 16 or more, got 15"):
        meshes.texture_mesh(balls, [image], [view], size=15)
    with pytest.raises(ValueError, match="mesh: expected at least one triangle, got none"):
        meshes.texture_mesh(Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int32)), [image], [view])
