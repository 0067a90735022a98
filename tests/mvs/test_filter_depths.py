# SPDX-License-Identifier: Apache-2.0
"""The consistency filter against numpy and the truth."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import mvs
from fastcv.mvs import _reference


@pytest.fixture
def noisy(scene):
    """True depths, a third of them wrong by 3 to 30 % and a tenth missing; and where they are wrong."""
    rng = np.random.default_rng(0)
    depths, wrong = [], []
    for truth in scene.depths:
        bad = rng.random(truth.shape) < 1 / 3
        depth = np.where(bad, truth * (1 + rng.uniform(0.03, 0.3, truth.shape)), truth)
        depth[rng.random(truth.shape) < 0.1] = 0
        depths.append(depth.astype(np.float32))
        wrong.append(bad)
    return depths, wrong


@pytest.mark.parametrize("min_consistent", [0, 1, 2, 4])
def test_equals_the_reference(scene, noisy, min_consistent):
    kept = mvs.filter_depths(scene.views, noisy[0], min_consistent=min_consistent)
    expected = _reference.filter_depths(scene.views, noisy[0], min_consistent=min_consistent)
    for a, b in zip(kept, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_removes_what_is_wrong_and_keeps_what_is_right(scene, noisy):
    for kept, depth, wrong in zip(mvs.filter_depths(scene.views, noisy[0]), *noisy, strict=True):
        assert (kept[wrong] == 0).mean() > 0.97  # errors between 3 and 30 % agree to 1 % by chance
        assert (kept[~wrong & (depth > 0)] > 0).mean() > 0.6


def test_sources_confidence_and_sizes(scene):
    depths = [d.astype(np.float32) for d in scene.depths]
    alone = mvs.filter_depths(scene.views, depths, sources=[[1], [], [], [], []], min_consistent=1)
    assert (alone[0] > 0).mean() > 0.8
    assert not any(depth.any() for depth in alone[1:])
    confidence = np.linspace(0, 1, 80, dtype=np.float32) * np.ones((61, 1), np.float32)
    maps = [mvs.DepthMap(d, confidence, d) for d in depths]
    sure = mvs.filter_depths(scene.views, maps, min_consistent=0, min_confidence=0.5)
    np.testing.assert_array_equal(sure[0] > 0, confidence >= 0.5)
    small = scene.views[1]._replace(image=scene.views[1].image[:40, :50])  # cropped: the same camera
    cropped = mvs.filter_depths([scene.views[0], small], [depths[0], depths[1][:40, :50]], min_consistent=1)
    assert cropped[1].shape == (40, 50)
    assert (cropped[1] > 0).mean() > 0.8


def test_one_view_at_a_time_gives_the_same(scene, noisy):
    confidence = np.linspace(0, 1, 80, dtype=np.float32) * np.ones((61, 1), np.float32)
    maps = [mvs.DepthMap(depth, confidence, depth) for depth in noisy[0]]
    sources = [[1, 2, 4], [0], [4, 3, 0, 1], [], [2, 3]]
    whole = mvs.filter_depths(scene.views, maps, sources=sources, min_consistent=1, min_confidence=0.3)
    for i, others in enumerate(sources):
        views, group = ([items[j] for j in (i, *others)] for items in (scene.views, maps))
        one = mvs.filter_depth(views, group, min_consistent=1, min_confidence=0.3)
        np.testing.assert_array_equal(one, whole[i])
    assert (whole[0] > 0).any()
    with pytest.raises(ValueError, match="depth_maps: expected one per view and at least one, got 0 for 0 views"):
        mvs.filter_depth([], [])


def test_same_bits_for_every_thread_count(scene, noisy):
    one, many = (mvs.filter_depths(scene.views, noisy[0], num_threads=n) for n in (1, 5))
    for a, b in zip(one, many, strict=True):
        np.testing.assert_array_equal(a, b)


def test_torch_in_torch_out(scene, noisy):
    torch = pytest.importorskip("torch")
    kept = mvs.filter_depths(scene.views, [torch.from_numpy(d) for d in noisy[0]])
    assert isinstance(kept[0], torch.Tensor)
    np.testing.assert_array_equal(kept[0].numpy(), mvs.filter_depths(scene.views, noisy[0])[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth_maps": []}, "depth_maps: expected one per view and at least one, got 0 for 5 views"),
        ({"views": [], "depth_maps": []}, "depth_maps: expected one per view and at least one, got 0 for 0 views"),
        ({"sources": [[1]]}, r"sources: expected one list per view \(5\), got 1"),
        ({"sources": [[0], [], [], [], []]}, r"sources\[0\]: expected at most 64 different positions of other views"),
        ({"sources": [[], [5], [], [], []]}, r"sources\[1\]: expected at most 64 different positions"),
        ({"min_consistent": -1}, "min_consistent: expected 0 or more, got -1"),
        ({"max_reprojection_px": 0.0}, "max_reprojection_px: expected more than 0"),
        ({"max_relative_depth": np.nan}, "max_relative_depth: expected more than 0"),
        ({"depth_maps": [np.zeros((2, 2), np.float32)] * 5}, r"depth_maps\[0\]: expected shape \(61, 80\)"),
    ],
)
def test_bad_input(scene, noisy, change, message):
    with pytest.raises(ValueError, match=message):
        mvs.filter_depths(**{"views": scene.views, "depth_maps": noisy[0], **change})


def test_wrong_types(scene, noisy):
    with pytest.raises(TypeError, match=r"depth_maps\[0\]: expected a DepthMap where min_confidence is positive"):
        mvs.filter_depths(scene.views, noisy[0], min_confidence=0.5)
    with pytest.raises(TypeError, match=r"depth_maps\[0\]: expected dtype float32, got float64"):
        mvs.filter_depths(scene.views, scene.depths)
