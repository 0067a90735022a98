# SPDX-License-Identifier: Apache-2.0
"""What a Mesh refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastcv.mesh import Mesh, Texture

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
IMAGE = np.zeros((4, 5, 3), np.uint8)


def test_keeps_what_it_was_given() -> None:
    texture = Texture(IMAGE, np.zeros((4, 3, 2), np.float32))
    mesh = Mesh(CORNERS, FACES, np.zeros((4, 3), np.uint8), CORNERS, texture)
    assert mesh.vertices is CORNERS
    assert repr(mesh) == "Mesh(4 vertices, 4 faces, colors, normals, texture)"
    assert repr(Mesh(CORNERS[:0], FACES[:0])) == "Mesh(0 vertices, 0 faces)"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"vertices": CORNERS.tolist()}, TypeError, "vertices: expected a numpy array of float32 or float64, got list"),
        ({"vertices": CORNERS[:, :2]}, ValueError, r"vertices: expected shape \(N, 3\), got \(4, 2\)"),
        ({"vertices": CORNERS * np.float32(np.nan)}, ValueError, "vertices: expected finite"),
        ({"faces": FACES.astype(np.int64)}, TypeError, "faces: expected a numpy array of int32, got int64"),
        ({"faces": FACES + 1}, ValueError, "faces: expected rows of the 4 vertices, got 1 to 4"),
        ({"faces": FACES - 1}, ValueError, "faces: expected rows of the 4 vertices, got -1 to 2"),
        ({"colors": np.zeros((3, 3), np.uint8)}, ValueError, r"colors: expected shape \(4, 3\), got \(3, 3\)"),
        ({"normals": CORNERS.astype(np.float64)}, TypeError, "normals: expected a numpy array of float32"),
        ({"texture": Texture(IMAGE, np.zeros((3, 3, 2), np.float32))}, ValueError, r"texture.uv: expected shape \(4"),
    ],
)
def test_refuses(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Mesh(**({"vertices": CORNERS, "faces": FACES} | change))


def test_texture_refuses() -> None:
    with pytest.raises(ValueError, match=r"image: expected shape \(N, N, 3\), got \(4, 5\)"):
        Texture(IMAGE[..., 0], np.zeros((4, 3, 2), np.float32))
    with pytest.raises(ValueError, match="uv: expected finite values"):
        Texture(IMAGE, np.full((4, 3, 2), np.inf, np.float32))
