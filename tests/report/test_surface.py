# SPDX-License-Identifier: Apache-2.0
"""The report of a surface: what it shows, the turntable's cameras, pages without content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastcv import report
from fastcv.mesh import Mesh
from fastcv.scene import Camera, Image, Reconstruction

# A box 2 wide, 4 deep and 1 high, with a speck far away.
CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-2, 2) for z in (0, 1)], np.float32)
FACES = np.array([[0, 1, 2], [1, 3, 2], [4, 6, 5], [5, 6, 7]], np.int32)
BOX = Mesh(np.concatenate([CORNERS, [[500, 500, 500]]]).astype(np.float32), FACES, np.full((9, 3), 99, np.uint8))


@pytest.fixture
def contents() -> report.Surface:
    grey = np.full((30, 40, 3), 90, np.uint8)
    views = [
        report.SurfaceView("a&b.jpg", {"overlap": "97%"}, [("Photograph", lambda: grey), ("Mesh", lambda: grey)]),
        report.SurfaceView("c.jpg", {"overlap": "12%"}),
    ]
    camera = Camera("PINHOLE", 40, 30, np.array([40.0, 40, 20, 15]))
    images = {i: Image(view.name, 1, np.c_[np.eye(3), [-i, 0, 5]]) for i, view in enumerate(views)}
    return report.Surface(
        title="street/object",
        lead="2 of 3 silhouettes.",
        figures=[("Triangles", "4")],
        facts={"Options": [("resolution", "64")]},
        warnings=["d.jpg was skipped: <damaged>"],
        turntable=[grey, grey, grey],
        mesh=BOX,
        model=Reconstruction({1: camera}, images),
        views=views,
        views_note="Red is <missing>.",
        seconds={"carve": 2.0},
    )


def test_the_page_shows_mesh_turntable_and_views(
    contents: report.Surface, parse_page: Callable[[str], Any], tmp_path: Path
) -> None:
    report.write_surface(contents, tmp_path / "report.html")
    page = parse_page((tmp_path / "report.html").read_text())
    for text in ("street/object", "a&b.jpg, overlap 97%", "c.jpg", "12%", "<damaged>", "Red is <missing>."):
        assert text in page.text
    sides = [f"The mesh from side {number}" for number in (1, 2, 3)]
    assert [image["alt"] for image in page.all("img")] == [*sides, "Photograph of a&b.jpg", "Mesh of a&b.jpg"]
    assert len(page.all("iframe")) == 1


def test_without_viser_it_has_still_pictures(
    contents: report.Surface, parse_page: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "viser", None)
    report.write_surface(contents, tmp_path / "report.html")
    page = parse_page((tmp_path / "report.html").read_text())
    assert page.all("iframe") == []
    assert "Install viser" in page.text


def test_without_views_the_page_has_what_is_left(
    contents: report.Surface, parse_page: Callable[[str], Any], tmp_path: Path
) -> None:
    empty = replace(contents, mesh=None, turntable=[], views=[], model=Reconstruction({}, {}), seconds={})
    report.write_surface(empty, tmp_path / "report.html")
    page = parse_page((tmp_path / "report.html").read_text())
    assert "d.jpg was skipped" in page.text
    assert page.all("img") == page.all("iframe") == []


@pytest.mark.parametrize("up", [[0.0, 0, 1], [0, -2, 0], [1, 1, 1]])
def test_the_turntable_sees_the_whole_bulk_upright(up: list[float]) -> None:
    views = report.turntable_views(BOX, np.array(up), 6, 200, 100)
    assert len(views) == 6
    direction = np.array(up) / np.linalg.norm(up)
    reach = 0.0
    for camera, pose in views:
        R = pose[:, :3]
        np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(R) == pytest.approx(1)
        assert R[0] @ direction == pytest.approx(0, abs=1e-12)  # level
        assert R[1] @ direction < 0  # y points down
        in_cam = CORNERS @ R.T + pose[:, 3]
        pixels = in_cam[:, :2] / in_cam[:, 2:] * camera.focal_length + [100, 50]
        assert ((pixels > 0) & (pixels < (200, 100))).all()
        reach = max(reach, float(np.max(np.abs(pixels / (100, 50) - 1))))
    assert reach == pytest.approx(0.94, abs=1e-6)


def test_silhouettes_that_disagree_are_coloured() -> None:
    picture = np.full((1, 4, 3), 200, np.uint8)
    covered, mask = np.array([[True, True, False, False]]), np.array([[True, False, True, False]])
    both, too_much, missing, none = report.silhouette_picture(picture, covered, mask)[0].astype(int)
    assert both.tolist() == [200, 200, 200]
    assert too_much[2] > too_much[0] + 100  # blue
    assert missing[0] > missing[2] + 100  # red
    assert none.max() < 50
