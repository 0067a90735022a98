# SPDX-License-Identifier: Apache-2.0
"""The report of a bundle adjustment: every number and picture that it was given, and nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastcv.ba import Iteration
from fastcv.report import Adjustment, State, write_adjustment
from fastcv.scene import Camera

ParsePage = Callable[[str], Any]


def contents(**changes: object) -> Adjustment:
    rng = np.random.default_rng(0)
    xyz = rng.uniform((-3, -1, 4), (3, 1, 6), (200, 3))
    poses = np.array([np.column_stack([np.eye(3), [-x, 0, 0]]) for x in (0.0, 0.5, 1.0)])
    before = State("before", xyz + 0.1, poses, np.array([3.0, 4.0]))
    result = Adjustment(
        title="A <problem> & more",
        lead="Converged after 2 steps.",
        figures=[("Images", "3")],
        facts={"Options": [("loss", "huber")]},
        warnings=["2 points are seen by fewer than two images"],
        iterations=[
            Iteration(0, True, 1000.0, 5.0, 0.0, 1e4, 0, 0.1),
            Iteration(1, False, 2000.0, 5.0, 1.5, 1e3, 7, 0.2),
            Iteration(2, True, 10.0, 0.5, 0.5, 1e4, 8, 0.3),
        ],
        before=before,
        after=State("after", xyz, poses, np.array([0.3, 0.4])),
        cameras=[Camera("BAL", 80, 60, np.array([70.0, 0, 0]))] * 3,
        rgb=None,
        files=[("adjusted", "the solution")],
    )
    return replace(result, **changes)  # type: ignore[arg-type]


@pytest.fixture
def page(tmp_path: Path, parse_page: ParsePage) -> Any:
    write_adjustment(contents(), tmp_path / "report.html")
    return parse_page((tmp_path / "report.html").read_text())


def test_text_is_escaped_and_complete(page: Any) -> None:
    assert page.text.count("A <problem> & more") == 2  # title and heading
    for text in ("Converged after 2 steps.", "huber", "2 points are seen", "the solution"):
        assert text in page.text


def test_every_iteration_has_a_row(page: Any) -> None:
    table = page.text[page.text.index("Iterations") :]
    assert "01000" in table
    # Changes are against the last cost that was kept.
    assert "12000+1.00e+035.00e+001.50e+001.00e+0370.200not taken" in table
    assert "210-9.90e+025.00e-015.00e-011.00e+0480.300\n" in table


def test_statistics_of_the_errors(page: Any) -> None:
    """sqrt((9 + 16) / 2) = 3.536, and a tenth of it after."""
    for row in (
        "root mean square3.5360.3536",
        "mean3.50.35",
        "median3.50.35",
        "95 % are below3.950.395",
        "largest40.4",
    ):
        assert row in page.text


def test_pictures_say_what_they_show(page: Any) -> None:
    charts = [str(svg["aria-label"]) for svg in page.all("svg") if svg.get("role") == "img"]
    assert charts == [
        "The points and the cameras before and after, from above and from the side",
        "Cost against time and against iterations, from 1000 to 10 px²",
        "Histogram of 2 reprojection errors before and after",
    ]
    assert len(page.all("iframe")) == 1


def test_nothing_comes_from_elsewhere(tmp_path: Path, page: Any) -> None:
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    outside = re.sub(r'srcdoc="[^"]*"', "", (tmp_path / "report.html").read_text())
    assert "currentColor" in outside
    assert not re.search("#010203|#040506|#070809|xmlns", outside)


@pytest.mark.parametrize(
    "changes",
    [
        {"iterations": [Iteration(0, True, 1000.0, 5.0, 0.0, 1e4, 0, 0.1)]},
        {"iterations": [Iteration(0, True, 0.0, 0.0, 0.0, 1e4, 0, 0.1), Iteration(1, True, 0.0, 0, 0, 1, 1, 0.2)]},
        {"rgb": np.full((200, 3), 90, np.uint8)},
        {"cameras": [Camera("EQUIRECTANGULAR", 80, 40, np.array([80.0, 40]))] * 3},
        {"after": State("after", np.zeros((200, 3)), np.repeat(np.eye(3, 4)[None], 3, axis=0), np.zeros(2))},
    ],
    ids=["no step", "no cost", "colours", "panoramas", "everything in one place"],
)
def test_unusual_contents_make_a_page_too(tmp_path: Path, changes: dict, parse_page: ParsePage) -> None:
    write_adjustment(contents(**changes), tmp_path / "report.html")
    page = parse_page((tmp_path / "report.html").read_text())
    assert len([svg for svg in page.all("svg") if svg.get("role") == "img"]) == 3


def test_points_near_infinity_do_no_harm(tmp_path: Path) -> None:
    """A warning (viser stores half precision) would fail the test."""
    usual = contents()
    far = usual.after.xyz.copy()
    far[3] = 1e12
    write_adjustment(contents(after=replace(usual.after, xyz=far)), tmp_path / "report.html")
