# SPDX-License-Identifier: Apache-2.0
"""Posed images in one ``.npz``, whole and broken."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import FormatError
from fastcv.io import read_nerf_archive


def arrays(**changes):
    poses = np.tile(np.eye(4, dtype=np.float32), (3, 1, 1))
    poses[:, :3, 3] = np.arange(9).reshape(3, 3)
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 8, 4), dtype=np.uint8)
    result = {
        "images_train": images,
        "c2w_train": poses,
        "images_test": images[:1],
        "c2w_test": poses[2:],
        "focal": 9.5,
        **changes,
    }
    return {name: array for name, array in result.items() if array is not None}


def test_whole(tmp_path):
    content = arrays()
    np.savez(tmp_path / "scene.npz", **content)
    images, camera, poses, num_train = read_nerf_archive(tmp_path / "scene.npz")
    np.testing.assert_array_equal(images, np.concatenate([content["images_train"], content["images_test"]]))
    assert (camera.model, camera.width, camera.height, num_train) == ("SIMPLE_PINHOLE", 8, 6, 3)
    assert camera.params.tolist() == [9.5, 4, 3]
    np.testing.assert_array_equal(poses[1], [[1, 0, 0, -3], [0, -1, 0, 4], [0, 0, -1, 5]])
    np.savez(tmp_path / "scene.npz", **arrays(images_test=None, c2w_test=None))
    assert (
        read_nerf_archive(tmp_path / "scene.npz").num_train
        == len(read_nerf_archive(tmp_path / "scene.npz").images)
        == 3
    )


def test_lego(data_dir):
    images, camera, poses, num_train = read_nerf_archive(data_dir / "nerf" / "lego_100.npz")
    assert images.shape == (125, 100, 100, 4)
    assert num_train == 100
    np.testing.assert_allclose(camera.params, [138.8889, 50, 50], atol=1e-4)
    centers = -np.einsum("nji,nj->ni", poses[:, :, :3], poses[:, :, 3])
    np.testing.assert_allclose(
        np.linalg.norm(centers, axis=1), 4.031129, atol=1e-5
    )  # Blender's cameras are on a sphere


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images_train": None}, r"expected an array images_train, got c2w_train, images_test, c2w_test, focal$"),
        ({"c2w_test": None}, "expected an array c2w_test, got"),
        ({"images_train": np.zeros((3, 6, 8, 4))}, r"images_train: expected shape \(N, H, W, 3 or 4\) and dtype uint8"),
        ({"images_train": np.zeros((3, 6, 8, 2), np.uint8)}, r"images_train: expected shape \(N, H, W, 3 or 4\)"),
        ({"images_test": np.zeros((1, 6, 9, 4), np.uint8)}, r"images_test: expected shape \(N, \(6, 8, 4\)\)"),
        ({"c2w_train": np.zeros((2, 4, 4))}, r"c2w_train: expected shape \(3, 4, 4\) of floats, got \(2, 4, 4\)"),
        ({"c2w_train": np.zeros((3, 4, 4))}, "expected a rotation and a translation"),
        ({"focal": np.float64("nan")}, "focal: expected a positive number, got nan"),
        ({"focal": np.ones(2)}, "focal: expected a positive number"),
        ({"focal": np.array([None])}, "expected an npz archive of arrays"),
    ],
)
def test_broken(tmp_path, changes, message):
    np.savez(tmp_path / "scene.npz", **arrays(**changes))
    with pytest.raises(FormatError, match=message):
        read_nerf_archive(tmp_path / "scene.npz")


def test_not_an_archive(tmp_path):
    path = tmp_path / "scene.npz"
    np.savez(path, **arrays())
    content = path.read_bytes()
    for broken in (b"", b"text", content[: len(content) // 2]):
        path.write_bytes(broken)
        with pytest.raises(FormatError, match="expected an npz archive of arrays"):
            read_nerf_archive(path)
    with pytest.raises(FileNotFoundError):
        read_nerf_archive(tmp_path / "other.npz")
