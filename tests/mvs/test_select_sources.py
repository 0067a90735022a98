# SPDX-License-Identifier: Apache-2.0
"""View selection on tracks and poses whose geometry is known."""

from __future__ import annotations

import numpy as np
import pytest

import fastcv
from fastcv import mvs


def camera_at(x: float, seen: np.ndarray, turn: float = 0.0) -> fastcv.Image:
    c, s = np.cos(turn), np.sin(turn)
    R = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    pose = np.c_[R, -R @ [x, 0, 0]]
    return fastcv.Image(f"{x}.png", 1, pose, np.zeros((len(seen), 2)), seen)


def reconstruction(images: dict[int, fastcv.Image], xyz: np.ndarray) -> fastcv.Reconstruction:
    camera = fastcv.Camera("SIMPLE_PINHOLE", 640, 480, np.array([500.0, 320, 240]))
    n = len(xyz)
    points = fastcv.Points3D(np.arange(n), xyz, np.zeros((n, 3), np.uint8), np.zeros(n))
    return fastcv.Reconstruction({1: camera}, images, points)


def test_baseline_decides_where_points_are_shared():
    """Points 10 away: the best angle, 5 degrees, is a baseline of 0.87."""
    xyz = np.random.default_rng(0).normal([0, 0, 10], [0.5, 0.5, 0.1], (50, 3))
    everything = np.arange(50)
    images = {i: camera_at(x, everything) for i, x in {3: 0.0, 5: 0.05, 7: 0.9, 8: 2.5, 9: 6.0}.items()}
    selected = mvs.select_sources(reconstruction(images, xyz), num_sources=3)
    assert selected[3] == [7, 8, 9]
    assert list(selected) == [3, 5, 7, 8, 9]
    assert len(selected[9]) == 3


def test_number_of_shared_points_decides_among_equal_baselines():
    xyz = np.random.default_rng(0).normal([0, 0, 10], 0.1, (40, 3))
    images = {1: camera_at(0, np.arange(40)), 2: camera_at(0.87, np.arange(10)), 3: camera_at(-0.87, np.arange(5, 40))}
    images[4] = camera_at(0.5, np.empty(0, np.int64))
    selected = mvs.select_sources(reconstruction(images, xyz))
    assert selected == {1: [3, 2], 2: [1, 3], 3: [1, 2], 4: []}  # image 4 shares nothing


def test_poses_alone():
    """Without points, cameras on an arc around one centre are judged by the angles between their axes."""
    images = {}
    for i, degrees in enumerate([0, 1, 6, 30]):
        a = np.radians(degrees)
        image = camera_at(0.0, np.empty(0, np.int64), a)
        center = np.array([-10 * np.sin(a), 0, 10 - 10 * np.cos(a)])
        image.cam_from_world = np.c_[image.rotation, -image.rotation @ center]
        images[i] = image
    scene = reconstruction(images, np.empty((0, 3)))
    selected = mvs.select_sources(scene, depth_ranges=dict.fromkeys(images, (9.0, 11.0)))
    assert selected[0] == [2, 3, 1]  # 25 degrees too many count less than 4 too few


def yao(xyz: np.ndarray, first: fastcv.Image, second: fastcv.Image) -> float:
    """The score of MVSNet (Yao et al. 2018, section 4.1), point by point: theta_0 = 5, sigma_1 = 1, sigma_2 = 10."""
    score = 0.0
    for key in set(first.point3D_ids.tolist()) & set(second.point3D_ids.tolist()):
        a, b = first.center - xyz[key], second.center - xyz[key]
        theta = np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))
        sigma = 1 if theta <= 5 else 10
        score += np.exp(-((theta - 5) ** 2) / (2 * sigma**2))
    return score


def test_scores_are_those_of_mvsnet_where_scales_are_equal():
    rng = np.random.default_rng(1)
    xyz = rng.normal([0, 0, 10], [1.5, 1.5, 0.5], (60, 3))
    images = {i: camera_at(x, np.sort(rng.choice(60, 40, False))) for i, x in {2: 0.0, 4: 0.6, 6: 1.1, 9: 3.0}.items()}
    ranking = mvs.rank_sources(reconstruction(images, xyz), num_sources=9)
    for i, candidates in ranking.items():
        assert [c.score for c in candidates] == sorted((c.score for c in candidates), reverse=True)
        assert {c.image_id for c in candidates} == set(images) - {i}
        for c in candidates:
            shared = np.intersect1d(images[i].point3D_ids, images[c.image_id].point3D_ids)
            assert c.score == pytest.approx(yao(xyz, images[i], images[c.image_id]))
            assert (c.num_shared, c.overlap) == (len(shared), len(shared) / 40)
            assert c.scale == pytest.approx(1)
            a, b = (images[k].center - xyz[shared] for k in (i, c.image_id))
            angles = np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(1)))
            assert c.angle == pytest.approx(np.median(angles))


@pytest.mark.parametrize(("step_back", "weight"), [(-10.0, 0.5), (-30.0, 0.25), (5.0, 1.0), (8.0, 0.4)])
def test_detail_counts_as_in_goesele(step_back: float, weight: float):
    """One point 10 away. 10 back, half the detail weighs 1/2; 5 forward, twice weighs 1; 8 forward, five times 2/5."""
    xyz = np.array([[0.0, 0, 10]])
    images = {1: camera_at(0, np.array([0])), 2: camera_at(0.5, np.array([0]))}
    images[2].cam_from_world = np.c_[np.eye(3), [-0.5, 0, -step_back]]
    (candidate,) = mvs.rank_sources(reconstruction(images, xyz))[1]
    assert candidate.scale == pytest.approx(10 / (10 - step_back))
    assert candidate.score == pytest.approx(weight * yao(xyz, images[1], images[2]))


def test_frusta_overlap_in_closed_form():
    """Side by side, the image moves by f b / d: of nine columns of samples, as many are lost as it passes."""
    images = {i: camera_at(x, np.empty(0, np.int64)) for i, x in enumerate([0.0, 1.0])}
    scene = reconstruction(images, np.empty((0, 3)))
    (candidate,) = mvs.rank_sources(scene, depth_ranges=dict.fromkeys(images, (4.0, 4.0 + 1e-9)))[0]
    lost = np.count_nonzero((np.arange(9) + 0.5) / 9 * 640 < 500 * 1.0 / 4.0)
    assert lost == 2
    assert (candidate.num_shared, candidate.overlap) == (8 * 7 * 7, 7 / 9)
    assert candidate.scale == pytest.approx(1)
    x, y = np.meshgrid((np.arange(lost, 9) + 0.5) / 9 * 640, (np.arange(7) + 0.5) / 7 * 480)
    first = np.stack([(x - 320) / 125, (y - 240) / 125, np.full_like(x, 4)], -1)
    second = first - [1, 0, 0]
    cosine = (first * second).sum(-1) / np.linalg.norm(first, axis=-1) / np.linalg.norm(second, axis=-1)
    assert candidate.angle == pytest.approx(np.degrees(np.median(np.arccos(cosine))))
    assert mvs.select_sources(scene)[0] == [1]  # within limits of its own


def test_one_place_and_no_overlap_are_left_out():
    nothing = np.empty(0, np.int64)
    images = {
        1: camera_at(0, nothing),
        2: camera_at(0, nothing),
        3: camera_at(0.5, nothing, np.pi),
        4: camera_at(1, nothing),
    }
    scene = reconstruction(images, np.empty((0, 3)))
    assert mvs.select_sources(scene) == {1: [4], 2: [4], 3: [], 4: [1, 2]}
    xyz = np.array([[0, 0, 10.0]])
    seen = {1: camera_at(0, np.array([0])), 2: camera_at(0, np.array([0]))}
    assert mvs.select_sources(reconstruction(seen, xyz)) == {1: [], 2: []}


def test_ring_of_photographs_by_poses_alone(data_dir):
    """The temple's cameras are 7.7 degrees apart: neighbours come first, then those one further."""
    K, poses = temple(data_dir)
    camera = fastcv.Camera("PINHOLE", 640, 480, np.array([K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5]))
    images = {i: fastcv.Image(f"{i}.png", 1, pose) for i, pose in poses.items()}
    selected = mvs.select_sources(fastcv.Reconstruction({1: camera}, images))
    for i in range(15, 30):
        assert set(selected[i][:2]) == {i - 1, i + 1}
        assert set(selected[i]) == {i - 2, i - 1, i + 1, i + 2}


def temple(data_dir):
    poses = {}
    folder = data_dir / "mvs" / "templeRing19"
    for line in (folder / "templeR_par.txt").read_text().splitlines()[1:]:
        name, *numbers = line.split()
        if (folder / name).exists():
            K, R, t = np.split(np.array(numbers, float), [9, 18])
            U, _, Vt = np.linalg.svd(R.reshape(3, 3))
            poses[int(name[7:11])] = np.c_[U @ Vt, t]
    return K.reshape(3, 3), poses


def test_bad_input():
    scene = reconstruction({1: camera_at(0, np.array([0]))}, np.array([[0, 0, 1.0]]))
    with pytest.raises(ValueError, match="num_sources: expected at least 1, got 0"):
        mvs.select_sources(scene, num_sources=0)


def test_alone():
    assert mvs.select_sources(reconstruction({1: camera_at(0, np.empty(0, np.int64))}, np.empty((0, 3)))) == {1: []}
    assert mvs.rank_sources(fastcv.Reconstruction({}, {})) == {}
