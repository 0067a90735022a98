# SPDX-License-Identifier: Apache-2.0
"""Pictures: depth colours, keypoints and matches where they belong."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from fastcv.report import depth_limits, depth_picture
from fastcv.report.pictures import data_uri, keypoint_picture, match_picture, thumbnail


def test_depth_colours_are_even_in_inverse_depth() -> None:
    """Near is red, far is blue, and the harmonic mean of both lies in the middle, where turbo is green."""
    depth = np.array([[1.0, 4.0, 1 / (0.5 * (1 + 1 / 4)), 0.0]], np.float32)
    near, far, middle, none = depth_picture(depth, 1.0, 4.0)[0].astype(int)
    assert near[0] > 130
    assert near[0] > 4 * near[2]
    assert far[2] > 90
    assert far[2] > far[1]
    assert middle[1] > max(middle[0], middle[2])
    assert [near[3], far[3], middle[3], none[3]] == [255, 255, 255, 0]


def test_depths_beyond_the_limits_take_the_last_colour() -> None:
    picture = depth_picture(np.array([[0.5, 1.0, 4.0, 100.0]], np.float32), 1.0, 4.0)[0]
    assert picture[0].tolist() == picture[1].tolist()
    assert picture[2].tolist() == picture[3].tolist()


def test_limits_leave_out_the_rare_and_the_missing() -> None:
    depth = np.zeros((100, 101), np.float32)
    depth[:, 1:] = np.linspace(1, 2, 100, dtype=np.float32)
    depth[0, 1:50] = 1000
    near, far = depth_limits([depth, np.zeros((2, 2), np.float32)])
    assert abs(near - 1.02) < 0.02  # the second percentile of even values from 1 to 2
    assert abs(far - 1.98) < 0.02


def test_limits_of_nothing_and_of_one_depth_can_be_drawn() -> None:
    assert depth_limits([]) == (1.0, 2.0)
    near, far = depth_limits([np.full((2, 2), 3, np.float32)])
    assert near == 3
    assert far > 3


def test_keypoints_are_drawn_where_they_are() -> None:
    """A keypoint at (40, 20) of the photograph is at (20, 10) of a picture half as wide: the corner of four pixels."""
    image = np.zeros((30, 40, 3), np.uint8)
    drawn = keypoint_picture(image, np.array([[40.0, 20.0]]), np.array([True]), 0.5)
    rows, columns = np.nonzero(drawn[..., 1] > 60)
    assert (rows.mean(), columns.mean()) == (9.5, 19.5)
    assert image.max() == 0  # the picture itself is left alone


def test_used_keypoints_are_green_and_others_orange() -> None:
    drawn = keypoint_picture(
        np.zeros((60, 80, 3), np.uint8), np.array([[10.5, 10.5], [60.5, 40.5]]), np.array([True, False]), 1.0
    )
    assert drawn[10, 10].tolist() == [60, 230, 130]
    assert drawn[40, 60].tolist() == [255, 170, 60]


def test_matches_join_the_two_pictures() -> None:
    images = (np.zeros((40, 50, 3), np.uint8), np.zeros((60, 30, 3), np.uint8))
    drawn = match_picture(images, (np.array([[10.5, 20.5]]), np.array([[5.5, 20.5]])), (1.0, 1.0))
    assert drawn.shape == (60, 80, 3)
    assert (drawn[20, 10:56].max(axis=1) > 80).all()  # a level line from (10, 20) to (50 + 5, 20)
    assert (drawn[45, :50] == 128).all()  # below the shorter picture


def test_at_most_so_many_lines() -> None:
    images = (np.zeros((300, 50, 3), np.uint8), np.zeros((300, 50, 3), np.uint8))
    points = np.column_stack([np.full(100, 10.5), np.arange(0.5, 300, 3)])
    drawn = match_picture(images, (points, points), (1.0, 1.0), max_lines=3)
    assert np.flatnonzero(drawn[:, 50].max(axis=1) > 150).tolist() == [0, 150, 297]  # the first, middle and last row


def test_no_matches_is_no_error() -> None:
    images = (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))
    assert match_picture(images, (np.empty((0, 2)), np.empty((0, 2))), (1.0, 1.0)).shape == (4, 10, 3)


def test_thumbnails_average_and_never_grow() -> None:
    image = np.zeros((4, 8, 3), np.uint8)
    image[:, ::2] = 100
    assert thumbnail(image, 4).tolist() == np.full((2, 4, 3), 50).tolist()
    assert thumbnail(image, 100).shape == image.shape


def test_data_uris_are_webp_with_alpha() -> None:
    picture = np.zeros((6, 7, 4), np.uint8)
    picture[:3] = (200, 100, 50, 255)
    uri = data_uri(picture, lossless=True)
    assert uri.startswith("data:image/webp;base64,")
    decoded = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    assert np.array_equal(np.asarray(decoded)[:3], picture[:3])
    assert (np.asarray(decoded)[3:, :, 3] == 0).all()
