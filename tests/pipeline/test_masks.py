# SPDX-License-Identifier: Apache-2.0
"""Silhouettes by rule: thresholds, cracks, holes, specks, and masks in the ways that people write them."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.pipeline import OptionsError
from fastcv.pipeline.masks import mask_from_background, mask_from_picture, parse_color

BLACK = (0, 0, 0)


def square() -> np.ndarray:
    """A bright square, 60 x 60, in a dark picture of 200 x 100."""
    photo = np.full((100, 200, 3), 10, np.uint8)
    photo[20:80, 70:130] = 180
    return photo


def expected() -> np.ndarray:
    mask = np.zeros((100, 200), bool)
    mask[20:80, 70:130] = True
    return mask


def test_the_object_is_what_differs() -> None:
    np.testing.assert_array_equal(mask_from_background(square(), BLACK, 60), expected())
    np.testing.assert_array_equal(mask_from_background(255 - square(), (255, 255, 255), 60), expected())
    blue = square()
    blue[:, :, 2] = 190  # one channel is the same everywhere
    np.testing.assert_array_equal(mask_from_background(blue, (0, 0, 190), 60), expected())
    assert not mask_from_background(square(), BLACK, 180).any()


def test_the_threshold_itself_is_background() -> None:
    photo = square()
    photo[20:80, 70:130] = 60
    assert not mask_from_background(photo, BLACK, 60).any()
    np.testing.assert_array_equal(mask_from_background(photo, BLACK, 59), expected())


def test_cracks_and_small_holes_are_closed_large_ones_stay() -> None:
    photo = square()
    photo[20:80, 100] = 10  # a crack through all of it, one pixel wide: a hundredth of 200 is two
    photo[40:46, 80:86] = 10  # 36 pixels of 20 000
    # The disc that closes them does not reach the ends of the crack.
    assert np.count_nonzero(mask_from_background(photo, BLACK, 60) != expected()) <= 2
    photo[50:60, 105:115] = 10  # 100 pixels
    hole = expected()
    hole[50:60, 105:115] = False
    assert np.count_nonzero(mask_from_background(photo, BLACK, 60) != hole) <= 6  # nor into corners


def test_only_the_largest_region_counts() -> None:
    photo = square()
    photo[5:15, 5:40] = 180
    np.testing.assert_array_equal(mask_from_background(photo, BLACK, 60), expected())


@pytest.mark.parametrize("values", [(0, 1), (0, 255), (3, 90)])
def test_masks_are_written_in_many_ways(values: tuple[int, int]) -> None:
    picture = np.where(expected()[..., None], np.uint8(values[1]), np.uint8(values[0])).repeat(3, axis=2)
    np.testing.assert_array_equal(mask_from_picture(picture), expected())


def test_a_black_mask_is_empty() -> None:
    assert not mask_from_picture(np.zeros((4, 5, 3), np.uint8)).any()


def test_colors() -> None:
    assert (parse_color("black"), parse_color("white"), parse_color("1,20,255")) == (
        BLACK,
        (255, 255, 255),
        (1, 20, 255),
    )
    for text in ("", "grey", "1,2", "1,2,3,4", "-1,2,3", "1, 2, 3", "256,0,0"):
        with pytest.raises(OptionsError, match="background: expected black, white or a colour such as 0,0,190"):
            parse_color(text)
