# SPDX-License-Identifier: Apache-2.0
"""Points by their ids, and observations in their order."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.scene import Image, Points3D, Reconstruction


def points(ids: list[int]) -> Points3D:
    n = len(ids)
    return Points3D(np.array(ids, np.int64), np.zeros((n, 3)), np.zeros((n, 3), np.uint8), np.zeros(n))


# Near one another, so that a table of them is small; and far apart.
@pytest.mark.parametrize("ids", [[5, 6, 8], [0, 7, 2**62]])
def test_rows_of_points(ids: list[int]) -> None:
    wanted = [2, 0, 1, 1, 2]
    assert points(ids).rows(np.array(ids)[wanted]).tolist() == wanted
    assert points(ids).rows(np.empty(0, np.int64)).tolist() == []


@pytest.mark.parametrize("ids", [[5, 6, 8], [0, 7, 2**62], []])
@pytest.mark.parametrize("unknown", [-1, 4, 9, 2**62 + 1])
def test_ids_that_no_point_has(ids: list[int], unknown: int) -> None:
    with pytest.raises(KeyError, match=f"no 3D point has id {unknown}"):
        points(ids).rows(np.array([*ids, unknown]))


def test_a_gap_between_ids_is_no_point() -> None:
    with pytest.raises(KeyError, match="no 3D point has id 7"):
        points([5, 6, 8]).rows(np.array([7]))


def test_observations_are_sorted_by_point_then_image() -> None:
    generator = np.random.default_rng(0)
    ids = np.unique(generator.integers(0, 10**6, 500))
    images = {
        key: Image(f"{key}", 1, np.eye(3, 4), np.zeros((300, 2)), np.where(generator.random(300) < 0.8, chosen, -1))
        for key in (7, 2, 40)
        for chosen in [generator.choice(ids, 300)]
    }
    model = Reconstruction(images=images, points3D=points(ids.tolist()))
    expected = sorted(
        (list(ids).index(point_id), image_id, row)
        for image_id, image in images.items()
        for row, point_id in enumerate(image.point3D_ids)
        if point_id >= 0
    )
    image_ids, keypoints, rows = model.observations()
    assert list(zip(rows, image_ids, keypoints, strict=True)) == expected
    image_ids, keypoints, rows = model.observations([40])
    assert list(zip(rows, image_ids, keypoints, strict=True)) == [e for e in expected if e[1] == 40]


def test_observations_of_nothing() -> None:
    assert [array.tolist() for array in Reconstruction().observations()] == [[], [], []]
    assert [array.dtype for array in Reconstruction().observations()] == [np.dtype(np.int64)] * 3
