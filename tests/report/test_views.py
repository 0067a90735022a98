# SPDX-License-Identifier: Apache-2.0
"""Views from above and from the side: what is up, what is shown."""

from __future__ import annotations

import numpy as np

from fastcv.report.contents import State
from fastcv.report.views import above_and_side, height_colors, some_rows, up_direction, upright_frame


def turned_poses(axes: np.ndarray, count: int = 8) -> np.ndarray:
    """Cameras on a circle that look to its middle; ``axes`` are right, forward and up of their world as rows."""
    poses = []
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False):
        forward = np.cos(angle) * axes[0] + np.sin(angle) * axes[1]
        down = -axes[2]
        rotation = np.stack([np.cross(down, forward), down, forward])
        poses.append(np.column_stack([rotation, [0, 0, 5.0]]))
    return np.array(poses)


def test_up_is_what_the_cameras_agree_on() -> None:
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    axes[2] *= np.linalg.det(axes)
    np.testing.assert_allclose(up_direction(turned_poses(axes)), axes[2], atol=1e-12)


def test_cameras_tilted_up_are_no_leaning_towers() -> None:
    """Over less than a half circle the mean of their y axes leans with the tilt; their x axes stay level."""
    tilt = np.array([[1, 0, 0], [0, np.cos(0.3), np.sin(0.3)], [0, -np.sin(0.3), np.cos(0.3)]])
    poses = turned_poses(np.eye(3), 12)[:4]
    np.testing.assert_allclose(up_direction(tilt @ poses), [0, 0, 1], atol=1e-12)
    # All in one direction, nothing but the mean is known.
    np.testing.assert_allclose(up_direction(poses[:1]), [0, 0, 1], atol=1e-12)


def test_cameras_that_contradict_each_other_have_an_up_all_the_same() -> None:
    poses = np.stack([np.eye(3, 4), np.diag([-1.0, -1, 1]) @ np.eye(3, 4)])
    assert up_direction(poses).tolist() == [0, -1, 0]


def test_the_frame_lies_along_the_scene() -> None:
    points = np.random.default_rng(1).normal(size=(1000, 3)) * (0.5, 20, 1)
    axes = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    frame = upright_frame(turned_poses(axes), points)
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert abs(frame[0, 1]) > 0.99  # the long axis of the points
    np.testing.assert_allclose(frame[2], axes[2], atol=1e-12)
    assert np.linalg.det(frame) > 0  # no mirror image


def test_heights_in_order_have_colours_in_order() -> None:
    """viridis brightens from its lower to its upper end."""
    light = height_colors(np.linspace(3, 7, 50)).astype(int).sum(axis=1)
    assert (np.diff(light) >= 0).all()
    assert light[-1] > 1.5 * light[0]
    assert height_colors(np.full(3, 2.0)).shape == (3, 3)
    assert height_colors(np.empty(0)).shape == (0, 3)


def test_some_rows_are_finite_and_the_same_every_time() -> None:
    xyz = np.random.default_rng(2).normal(size=(1000, 3))
    xyz[::2, 1] = np.nan
    rows = some_rows(xyz, 100)
    assert len(np.unique(rows)) == 100
    assert (rows % 2 == 1).all()
    assert rows.tolist() == some_rows(xyz, 100).tolist()
    assert some_rows(xyz, 500).tolist() == list(range(1, 1000, 2))


def test_panels_for_every_state_and_view() -> None:
    axes = np.eye(3)
    points = np.random.default_rng(3).normal(size=(50, 3))
    states = [State(name, points, turned_poses(axes), np.empty(0)) for name in ("before", "after")]
    text = above_and_side(states, np.full((50, 3), 200, np.uint8))
    assert text.count("<image") == 8  # points and cameras of four panels
    assert text == above_and_side(states, np.full((50, 3), 200, np.uint8))
