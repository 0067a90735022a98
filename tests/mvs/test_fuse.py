# SPDX-License-Identifier: Apache-2.0
"""Fusion against numpy and against the plane that the depths lie on."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from fastcv import mvs
from fastcv.mvs import _reference

PLANE, OFFSET = np.array([0.25, -0.15, 1.0]), 4.0  # of the scene in conftest.py


@pytest.fixture
def depths(scene):
    """True depths with 0.2 % of noise and a tenth missing."""
    rng = np.random.default_rng(0)
    noisy = [d * (1 + 0.002 * rng.standard_normal(d.shape)) * (rng.random(d.shape) > 0.1) for d in scene.depths]
    return [d.astype(np.float32) for d in noisy]


@pytest.mark.parametrize("min_consistent", [0, 1, 3])
def test_equals_the_reference(scene, depths, min_consistent):
    cloud = mvs.fuse(scene.views, depths, min_consistent=min_consistent)
    xyz, rgb = _reference.fuse(scene.views, depths, min_consistent=min_consistent)
    assert len(cloud.xyz) == len(xyz) > 3000
    np.testing.assert_allclose(cloud.xyz, xyz, atol=2e-6)  # float32 of coordinates below 8
    np.testing.assert_allclose(cloud.rgb, rgb, atol=0.501)  # rounded to a grey level


def test_points_lie_on_the_plane_and_face_the_cameras(scene, depths):
    cloud = mvs.fuse(scene.views, depths, min_consistent=2)
    length = np.linalg.norm(PLANE)
    distance = (cloud.xyz @ PLANE - OFFSET) / length
    assert np.abs(distance).mean() < 0.006  # noise of 0.2 % at depth 4 is 0.008, the mean of three or more views less
    np.testing.assert_allclose(np.linalg.norm(cloud.normals, axis=1), 1, atol=1e-6)
    angle = np.degrees(np.arccos(np.clip(-cloud.normals @ PLANE / length, -1, 1)))
    assert np.median(angle) < 10
    exact = mvs.fuse(scene.views, [d.astype(np.float32) for d in scene.depths], min_consistent=2)
    assert np.abs(exact.normals + PLANE / length).max() < 1e-3


def test_every_pixel_is_used_once(scene):
    """Each point takes one pixel of each of its views, so the colours add up to those of the pixels used."""
    views = [v._replace(image=np.full((61, 80, 3), 10 * (i + 1), np.uint8)) for i, v in enumerate(scene.views[:2])]
    depths = [d.astype(np.float32) for d in scene.depths[:2]]
    cloud = mvs.fuse(views, depths, min_consistent=0)
    pairs, singles = (cloud.rgb[:, 0] == 15).sum(), (cloud.rgb[:, 0] != 15).sum()
    assert 2 * pairs + singles == 2 * 61 * 80
    assert pairs > 3000


def test_order_does_not_depend_on_threads_and_progress_counts(scene, depths):
    calls: list[tuple[int, int]] = []
    one = mvs.fuse(scene.views, depths, num_threads=1, progress=lambda *done: calls.append(done))
    many = mvs.fuse(scene.views, depths, num_threads=5)
    for a, b in zip(one, many, strict=True):
        np.testing.assert_array_equal(a, b)
    assert calls == [(i + 1, 5) for i in range(5)]


def test_nothing_to_fuse_and_grey_float_images(scene, depths):
    empty = mvs.fuse(scene.views, [np.zeros_like(d) for d in depths])
    assert (empty.xyz.shape, empty.rgb.shape, empty.normals.shape) == ((0, 3), (0, 3), (0, 3))
    grey = [v._replace(image=np.full((61, 80), 0.5, np.float32)) for v in scene.views]
    assert (mvs.fuse(grey, depths).rgb == 128).all()


def test_single_pixel_faces_the_camera():
    view = mvs.View(np.zeros((1, 1, 3), np.uint8), [[1.0, 0, -0.5], [0, 1.0, 0.5], [0, 0, 1]], np.eye(3, 4))
    cloud = mvs.fuse([view], [np.full((1, 1), 2.0, np.float32)], min_consistent=0)
    np.testing.assert_allclose(cloud.xyz, [[2, 0, 2]])
    np.testing.assert_allclose(cloud.normals, [[-np.sqrt(0.5), 0, -np.sqrt(0.5)]], atol=1e-7)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("max_bytes", [None, 100_000, 0])
def test_views_that_are_loaded_when_needed_give_the_same(scene, depths, tmp_path, max_bytes, on_disk):
    sources = [[1, 2], [0, 2, 4], [1, 3], [0], []]
    loads: list[int] = []

    def load(i):
        loads.append(i)
        return scene.views[i], depths[i].copy()

    parts = list(mvs.fuse_views(load, sources, max_bytes=max_bytes, scratch=tmp_path if on_disk else None))
    assert not list(tmp_path.iterdir())
    expected = mvs.fuse(scene.views, depths, sources=sources)
    for column, whole in zip(zip(*parts, strict=True), expected, strict=True):
        np.testing.assert_array_equal(np.concatenate(column), whole)
    assert len(expected.xyz) > 3000
    # By hand: with room for two views of 34 kB those used last are kept, without room the last one alone.
    assert len(loads) == {None: 5, 100_000: 10, 0: 12}[max_bytes]


def test_memory_does_not_grow_with_the_number_of_views(scene, tmp_path):
    """Every view is merged with its neighbours and with the first half's, so that half of all masks stay needed."""
    views, depths = scene.views, [depth.astype(np.float32) for depth in scene.depths]

    def peak(count: int) -> int:
        sources = [[j for j in {i - 1, i + 1, i - count // 2} if 0 <= j < count] for i in range(count)]
        tracemalloc.start()
        for _ in mvs.fuse_views(
            lambda i: (views[i % 5], depths[i % 5].copy()), sources, max_bytes=300_000, scratch=tmp_path
        ):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(6)  # what is imported and cached once
    # What grows are lists of sources, some 400 bytes a view. A depth map is 19 520 bytes, half of its bits 305.
    assert peak(72) < peak(12) + 60 * 600


def test_errors_of_loaded_views(scene, depths):
    with pytest.raises(
        ValueError, match=r"sources\[1\]: expected at most 64 different positions of other views, got \[1\]"
    ):
        mvs.fuse_views(lambda i: (scene.views[i], depths[i]), [[1], [1]])
    with pytest.raises(ValueError, match="min_consistent: expected 0 or more, got -1"):
        mvs.fuse_views(lambda i: (scene.views[i], depths[i]), [[1], [0]], min_consistent=-1)
    with pytest.raises(ValueError, match=r"depth_maps\[1\]: expected shape"):
        list(mvs.fuse_views(lambda i: (scene.views[i], depths[i][i:]), [[1], [0]]))


def test_bad_input(scene, depths):
    with pytest.raises(ValueError, match="min_consistent: expected 0 or more, got -2"):
        mvs.fuse(scene.views, depths, min_consistent=-2)
    with pytest.raises(ValueError, match="max_relative_depth: expected more than 0"):
        mvs.fuse(scene.views, depths, max_relative_depth=0)
    with pytest.raises(ValueError, match="depth_maps: expected one per view"):
        mvs.fuse(scene.views, depths[:2])
