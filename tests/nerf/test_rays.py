# SPDX-License-Identifier: Apache-2.0
"""Rays of pixels, against OpenCV's undistortion, projection back into the image and the data's own formula."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import fastcv
from fastcv.nerf import ndc_depth, ndc_rays, rays

OPENCV = fastcv.Camera("OPENCV", 270, 480, [343.88, 343.62, 138.6, 241.3, 0.0578, -0.0805, -0.00098, 0.000156])
CAMERAS = [
    OPENCV,
    fastcv.Camera("SIMPLE_PINHOLE", 64, 48, [50.0, 32.0, 24.0]),
    fastcv.Camera("OPENCV_FISHEYE", 640, 480, [300, 301, 320, 240, 0.02, -0.01, 0.003, -0.001]),
    fastcv.Camera("FULL_OPENCV", 640, 480, [500, 501, 320, 240, 0.1, -0.05, 1e-3, -1e-3, 0.01, 0.02, 0.01, 0.0]),
    fastcv.Camera("EUCM", 640, 480, [400, 400, 320, 240, 0.6, 1.1]),
]


def random_poses(count):
    rotations = Rotation.random(count, random_state=0).as_matrix()
    return np.concatenate([rotations, np.random.default_rng(1).normal(size=(count, 3, 1))], 2)


def random_pixels(count, camera):
    return np.random.default_rng(2).random((count, 2)) * [camera.width, camera.height]


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
def test_points_on_rays_project_to_their_pixels(camera, device):
    (pose,), pixels = random_poses(1), random_pixels(500, camera)
    origins, directions = (device.get(a).astype(float) for a in rays(camera, pose, device.put(pixels)))
    np.testing.assert_allclose(origins, np.tile(-pose[:, :3].T @ pose[:, 3], (500, 1)), rtol=0, atol=3e-7)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, rtol=0, atol=1e-7)
    points = (origins + 3 * directions) @ pose[:, :3].T + pose[:, 3]
    # Single precision of directions: 1e-7 of some 500 pixels, far from the axis where pixels are 4 times as dense.
    np.testing.assert_allclose(fastcv.camera.project(points, camera), pixels, rtol=0, atol=4e-4)


def test_distortion_is_opencv_s():
    """Its projectPoints brings rays back to their pixels (counted from the corner, as the principal point is)."""
    pixels = random_pixels(200, OPENCV)
    directions = rays(OPENCV, np.eye(3, 4), pixels).directions.astype(float)
    projected, _ = cv2.projectPoints(directions, np.zeros(3), np.zeros(3), OPENCV.matrix, OPENCV.params[4:])
    np.testing.assert_allclose(projected[:, 0], pixels, rtol=0, atol=1e-4)  # 1e-7 of 480 pixels


def test_lego_s_own_formula(data_dir):
    """README of the data: d = ((u - W/2) / f, -(v - H/2) / f, -1) in OpenGL's frame."""
    with np.load(data_dir / "nerf" / "lego_100.npz") as data:
        c2w, focal = data["c2w_train"].astype(float), float(data["focal"])
    world_from_cam = c2w[:, :3, :3] * [1, -1, -1]
    poses = np.concatenate([world_from_cam.transpose(0, 2, 1), -world_from_cam.transpose(0, 2, 1) @ c2w[:, :3, 3:]], 2)
    camera = fastcv.Camera("SIMPLE_PINHOLE", 100, 100, [focal, 50, 50])
    pixels = random_pixels(300, camera)
    images = np.random.default_rng(3).integers(0, 100, 300)
    origins, directions = rays(camera, poses, pixels, images=images)
    u, v = pixels.T
    expected = np.einsum(
        "nij,nj->ni", c2w[images, :3, :3], np.stack([(u - 50) / focal, -(v - 50) / focal, -np.ones(300)], 1)
    )
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(directions, expected, rtol=0, atol=1e-6)  # its rotations are single precision
    np.testing.assert_allclose(
        origins, c2w[images, :3, 3], rtol=0, atol=1e-5
    )  # -R^T (-R c), which are rotations to 2e-6


def test_a_camera_for_each_pose(device):
    """The same as one camera after the other, and the same bits."""
    cameras = [CAMERAS[i % len(CAMERAS)] for i in range(7)]
    poses, pixels = random_poses(7), random_pixels(9001, CAMERAS[1])  # more than two blocks
    images = np.random.default_rng(4).integers(0, 7, 9001)
    origins, directions = (device.get(a) for a in rays(cameras, poses, device.put(pixels), images=device.put(images)))
    for i, camera in enumerate(cameras):
        alone = rays(camera, poses[i], device.put(pixels[images == i]))
        np.testing.assert_array_equal(origins[images == i], device.get(alone.origins))
        np.testing.assert_array_equal(directions[images == i], device.get(alone.directions))


def test_all_pixels():
    cameras = [fastcv.Camera("SIMPLE_PINHOLE", 3, 2, [2, 1.5, 1]), fastcv.Camera("SIMPLE_PINHOLE", 2, 2, [3, 1, 1])]
    poses = random_poses(2)
    origins, directions = rays(cameras, poses)
    pixels = [[0.5, 0.5], [1.5, 0.5], [2.5, 0.5], [0.5, 1.5], [1.5, 1.5], [2.5, 1.5]]
    first = rays(cameras[0], poses[0], np.array(pixels))
    second = rays(cameras[1], poses[1], np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5], [1.5, 1.5]]))
    np.testing.assert_array_equal(origins, np.concatenate([first.origins, second.origins]))
    np.testing.assert_array_equal(directions, np.concatenate([first.directions, second.directions]))
    assert rays(cameras[0], poses).origins.shape == (12, 3)


def test_what_has_no_ray():
    pixels = np.array([[32.0, 24.0], [np.nan, 24.0], [np.inf, 24.0], [32.0, 24.0], [32.0, 24.0]])
    origins, directions = rays(CAMERAS[1], random_poses(2), pixels, images=np.array([0, 0, 1, 2, -1]))
    np.testing.assert_array_equal(np.isnan(directions).any(1), [False, True, True, True, True])
    np.testing.assert_array_equal(np.isnan(origins).any(1), [False, False, False, True, True])
    cameras = [CAMERAS[1], CAMERAS[0]]
    several = rays(cameras, random_poses(2), pixels, images=np.array([0, 0, 1, 2, -1]))
    np.testing.assert_array_equal(np.isnan(several.directions).any(1), [False, True, True, True, True])
    folded = fastcv.Camera("SIMPLE_RADIAL", 640, 480, [500, 320, 240, -0.9])
    assert np.isnan(rays(folded, np.eye(3, 4), np.array([[0.0, 0.0]])).directions).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_threads_and_sizes(dtype):
    pixels = random_pixels(5000, OPENCV).astype(dtype)
    poses, images = random_poses(3).astype(dtype), np.random.default_rng(5).integers(0, 3, 5000)
    one, *others = (rays(OPENCV, poses, pixels, images=images, num_threads=n) for n in (1, 2, 8))
    for other in others:
        np.testing.assert_array_equal(one.origins, other.origins)
        np.testing.assert_array_equal(one.directions, other.directions)
    assert {a.dtype for a in one} == {np.dtype(np.float32)}
    for rows in (0, 1, 33):
        part = rays(OPENCV, poses, pixels[:rows], images=images[:rows])
        np.testing.assert_array_equal(part.directions, one.directions[:rows])
    strided = rays(OPENCV, poses, np.asfortranarray(pixels), images=np.repeat(images, 2)[::2])
    np.testing.assert_array_equal(strided.directions, one.directions)


def test_torch():
    torch = pytest.importorskip("torch")
    cameras, poses, pixels = [OPENCV, CAMERAS[1]], random_poses(2), random_pixels(40, CAMERAS[1])
    images = np.arange(40) % 2
    expected = rays(cameras, poses, pixels, images=images)
    for p in (poses, torch.tensor(poses)):
        result = rays(cameras, p, torch.tensor(pixels), images=torch.tensor(images))
        for ours, plain in zip(result, expected, strict=True):
            np.testing.assert_array_equal(ours.numpy(), plain)
    all_pixels = rays(CAMERAS[1], torch.tensor(poses))
    np.testing.assert_array_equal(all_pixels.directions.numpy(), rays(CAMERAS[1], poses).directions)


@pytest.mark.parametrize("several", [False, True])
def test_gradients(several):
    """Poses and pixels that want gradients: by differences of what has none, which is single precision."""
    torch = pytest.importorskip("torch")
    cameras = [OPENCV, CAMERAS[1]] if several else OPENCV
    poses, pixels, images = random_poses(2), random_pixels(6, CAMERAS[1]), np.array([0, 1, 1, 0, 1, 0])
    weights = np.random.default_rng(6).normal(size=(2, 6, 3))

    def loss(poses, pixels):
        return sum(
            (w * a.astype(float)).sum()
            for w, a in zip(weights, rays(cameras, poses, pixels, images=images), strict=True)
        )

    p, x = (torch.tensor(a, requires_grad=True) for a in (poses, pixels))
    result = rays(cameras, p, x, images=torch.tensor(images))
    np.testing.assert_allclose(
        result.directions.detach(), rays(cameras, poses, pixels, images=images).directions, atol=1e-7
    )
    sum((torch.tensor(w) * a).sum() for w, a in zip(weights, result, strict=True)).backward()
    for at, step in (((0, 1, 2), 1e-2), ((1, 0, 3), 1e-2)):
        shift = np.zeros_like(poses)
        shift[at] = step
        slope = (loss(poses + shift, pixels) - loss(poses - shift, pixels)) / (2 * step)
        np.testing.assert_allclose(p.grad[at], slope, rtol=0, atol=2e-3)  # step^2, and 1e-7 / step
    shift = np.zeros_like(pixels)
    shift[2, 0] = 1.0
    slope = (loss(poses, pixels + shift) - loss(poses, pixels - shift)) / 2
    np.testing.assert_allclose(x.grad[2, 0], slope, rtol=0, atol=2e-4)


def test_ndc():
    """Points at t along the new rays are the old points, projected; t = 0 is the near plane, and t -> 1 infinity."""
    camera = fastcv.Camera("PINHOLE", 400, 300, [350, 360, 190, 160])
    rng = np.random.default_rng(7)
    origins, directions = rng.normal(size=(50, 3)) * 0.3, rng.normal(size=(50, 3)) + [0, 0, 4]
    new = ndc_rays(origins, directions, camera, near=1.5)
    t = np.linspace(0, 0.95, 12)
    depth = ndc_depth(origins, directions, np.tile(t, (50, 1)), near=1.5)
    points = origins[:, None] + depth[..., None] * directions[:, None]
    np.testing.assert_allclose(points[:, 0, 2], 1.5)
    pixels = fastcv.camera.project(points.reshape(-1, 3), camera).reshape(50, 12, 2)
    along = new.origins[:, None] + t[:, None] * new.directions[:, None]
    np.testing.assert_allclose((along[..., :2] + 1) / 2 * [400, 300], pixels, rtol=0, atol=1e-9)
    np.testing.assert_allclose(along[..., 2], 1 - 2 * 1.5 / points[..., 2], rtol=0, atol=1e-12)
    backward = ndc_rays(origins, -directions, camera)
    assert np.isnan(backward.origins[:, :2]).all()
    assert np.isnan(backward.directions[:, :2]).all()


def test_bad_arguments():
    camera, pixels = CAMERAS[1], np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"^cam_from_world: expected shape \(M, 3, 4\), got \(1, 4, 4\)$"):
        rays(camera, np.eye(4), pixels)
    with pytest.raises(TypeError, match=r"^cam_from_world: expected dtype float32 or float64, got int64$"):
        rays(camera, np.zeros((3, 4), np.int64), pixels)
    with pytest.raises(ValueError, match=r"^camera: expected one camera, or one for each of 3 poses, got 2$"):
        rays([camera, camera], random_poses(3), pixels, images=np.zeros(4, np.int64))
    with pytest.raises(ValueError, match=r"^images: expected the image of each pixel for 3 poses, got None$"):
        rays(camera, random_poses(3), pixels)
    with pytest.raises(ValueError, match=r"^images: expected None where all pixels are meant, got an array$"):
        rays(camera, random_poses(3), images=np.zeros(4, np.int64))
    with pytest.raises(ValueError, match=r"^images: expected shape \(R,\) with R = 4, got \(3,\)$"):
        rays(camera, random_poses(3), pixels, images=np.zeros(3, np.int64))
    with pytest.raises(TypeError, match=r"^images: expected dtype int64, got float64$"):
        rays(camera, random_poses(3), pixels, images=np.zeros(4))
    with pytest.raises(ValueError, match=r"^pixels: expected shape \(R, 2\), got \(4, 3\)$"):
        rays(camera, np.eye(3, 4), np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"^near: expected a positive number, got 0$"):
        ndc_rays(np.zeros((1, 3)), np.ones((1, 3)), camera, near=0)
    with pytest.raises(ValueError, match=r"^directions: expected shape \(R, 3\) with R = 1, got \(2, 3\)$"):
        ndc_rays(np.zeros((1, 3)), np.ones((2, 3)), camera)
