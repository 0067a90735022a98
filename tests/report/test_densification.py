# SPDX-License-Identifier: Apache-2.0
"""The report of multi-view stereo: what it shows, and pages without content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastcv import report
from fastcv.scene import Camera, Image, Reconstruction


@pytest.fixture
def contents() -> report.Densification:
    rng = np.random.default_rng(0)
    depth = np.full((30, 40), 2.0, np.float32)
    depth[:, :10] = 0
    views = [
        report.DepthView(
            name=name,
            load=lambda: np.full((30, 40, 3), 90, np.uint8),
            facts={"near": "1", "kept": "75%"},
            sources=[(other, "it sees 80% of it <at> 5°")],
            depth=lambda: depth,
        )
        for name, other in (("a&b.jpg", "c.jpg"), ("c.jpg", "a&b.jpg"))
    ]
    camera = Camera("PINHOLE", 40, 30, np.array([40.0, 40, 20, 15]))
    images = {i: Image(view.name, 1, np.c_[np.eye(3), [-i, 0, 0]]) for i, view in enumerate(views)}
    cloud = report.Cloud(rng.normal([0, 0, 5], 1, (200, 3)).astype(np.float32), np.full((200, 3), 99, np.uint8))
    return report.Densification(
        title="street/images",
        lead="2 of 3 views have depth.",
        figures=[("Points", "200")],
        facts={"Options": [("max_size", "1600")]},
        warnings=["d.jpg was skipped: <damaged>"],
        views=views,
        model=Reconstruction({1: camera}, images),
        cloud=cloud,
        seconds={"depth": 2.0, "filter": 0.5},
    )


def test_the_page_shows_views_sources_and_cloud(
    contents: report.Densification, parse_page: Callable[[str], Any], tmp_path: Path
) -> None:
    report.write_densification(contents, tmp_path / "report.html")
    page = parse_page((tmp_path / "report.html").read_text())
    for text in ("street/images", "a&b.jpg: depth on 75% of the pixels", "it sees 80% of it <at> 5°", "<damaged>"):
        assert text in page.text
    assert [image["alt"] for image in page.all("img")] == [
        "Photograph a&b.jpg",
        "Depth of a&b.jpg in colours",
        "Photograph c.jpg",
        "Depth of c.jpg in colours",
    ]
    assert len(page.all("iframe")) == 1


def test_without_views_the_page_has_what_is_left(
    contents: report.Densification, parse_page: Callable[[str], Any], tmp_path: Path
) -> None:
    from dataclasses import replace

    empty = replace(contents, views=[], model=Reconstruction({}, {}), seconds={})
    report.write_densification(empty, tmp_path / "report.html")
    page = parse_page((tmp_path / "report.html").read_text())
    assert "d.jpg was skipped" in page.text
    assert page.all("img") == page.all("iframe") == []
