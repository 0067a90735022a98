# SPDX-License-Identifier: Apache-2.0
"""The report of a reconstruction: valid HTML that needs no network and shows what it was given."""

from __future__ import annotations

import html
import re
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastcv.report import Cloud, Contents, Pair, Photo, write_report
from fastcv.scene import Camera, Image, Points3D, Reconstruction

ParsePage = Callable[[str], Any]


def photo(name: str, registered: bool = True, depth: bool = True) -> Photo:
    keypoints = np.array([[10.0, 5.0], [50.0, 40.0], [70.5, 20.5]])
    return Photo(
        name=name,
        load=lambda: np.full((60, 80, 3), 90, np.uint8),
        width=80,
        height=60,
        keypoints=keypoints,
        has_point=np.array([True, True, False]) & registered,
        residuals=np.array([0.25, 0.75]) if registered else np.empty(0),
        camera_id=1,
        registered=registered,
        depth=(lambda: np.linspace(1, 4, 48, dtype=np.float32).reshape(6, 8)) if depth and registered else None,
    )


def contents(**changes: object) -> Contents:
    camera = Camera("PINHOLE", 80, 60, np.array([70.0, 70, 40, 30]))
    poses = [np.column_stack([np.eye(3), [-x, 0, 0]]) for x in (0.0, 1.0)]
    xyz = np.random.default_rng(0).uniform((-1, -1, 4), (2, 1, 6), (200, 3))
    points = Points3D(np.arange(200), xyz, np.full((200, 3), 128, np.uint8), np.full(200, 0.5))
    model = Reconstruction({1: camera}, {i: Image(f"{i}.jpg", 1, pose) for i, pose in enumerate(poses, 1)}, points)
    inliers = np.array([[0, 150, 0], [150, 0, 0], [0, 0, 0]])
    points2D = np.random.default_rng(1).uniform(0, 60, (150, 2))
    result = Contents(
        title="A <courtyard> & more",
        lead="2 of 3 photographs were placed in one model.",
        figures=[("Photographs", "2 of 3"), ("Points", "200")],
        facts={"Options": [("quality", "low")], "Versions": [("fastcv", "0.1")]},
        warnings=["3.jpg was not placed: <no matches>"],
        photos=[photo("1.jpg"), photo("2.jpg"), photo("3.jpg", registered=False)],
        inliers=inliers,
        pairs=[Pair(0, 1, points2D, points2D + 3)],
        model=model,
        cloud=Cloud(xyz, points.rgb),
        seconds={"features": 1.5, "sparse": 0.5},
        files=[("sparse", "COLMAP model")],
    )
    return replace(result, **changes)  # type: ignore[arg-type]


@pytest.fixture
def page(tmp_path: Path, parse_page: ParsePage) -> Any:
    write_report(contents(), tmp_path / "report.html")
    return parse_page((tmp_path / "report.html").read_text())


def test_text_is_escaped_and_complete(page: Any) -> None:
    assert page.text.count("A <courtyard> & more") == 2  # title and heading
    for text in ("2 of 3", "3.jpg was not placed: <no matches>", "quality", "COLMAP model", "1.5 s"):
        assert text in page.text
    assert page.all("html")[0]["lang"] == "en"
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")


def test_the_table_names_every_photograph(page: Any) -> None:
    assert re.findall(r"([123])([123])\.jpg80 × 6013(2|–)(0\.500|–)(yes|no)", page.text) == [
        ("1", "1", "2", "0.500", "yes"),
        ("2", "2", "2", "0.500", "yes"),
        ("3", "3", "–", "–", "no"),
    ]


def test_every_picture_says_what_it_shows(page: Any) -> None:
    labels = [image["alt"] for image in page.all("img")]
    assert labels == [
        *(f"Photograph {n}.jpg with its keypoints" for n in (1, 2, 3)),
        "Matches between 1.jpg and 2.jpg",
        *(text for n in (1, 2) for text in (f"Photograph {n}.jpg", f"Depth of {n}.jpg in colours")),
    ]
    charts = [svg for svg in page.all("svg") if svg.get("role") == "img"]
    assert len(charts) == len(page.all("svg")) == 3
    assert [str(chart["aria-label"]).split()[0] for chart in charts] == ["Number", "Colour", "Histogram"]


def test_nothing_comes_from_elsewhere(page: Any, parse_page: ParsePage) -> None:
    scene = page.all("iframe")[0]["srcdoc"]
    assert scene is not None
    assert "__VISER_EMBED_DATA__" in scene
    for part in (page, parse_page(scene)):
        for _, attributes in part.elements:
            for name in ("src", "href", "xlink:href", "data", "poster", "action"):
                assert (attributes.get(name) or "#").startswith(("#", "data:"))


def test_the_style_sheet_loads_nothing(tmp_path: Path) -> None:
    write_report(contents(), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    style = text[text.index("<style>") : text.index("</style>")]
    assert "prefers-color-scheme: dark" in style
    assert not re.search(r"url\(|@import|https?:", style)


def test_charts_take_the_colour_of_the_text(tmp_path: Path) -> None:
    write_report(contents(), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    outside = re.sub(r'srcdoc="[^"]*"', "", text)
    assert "currentColor" in outside
    assert "#010203" not in outside
    assert "xmlns" not in outside


def test_viser_listens_nowhere_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    listened = []
    monkeypatch.setattr(socket.socket, "listen", lambda *arguments: listened.append(arguments))
    before = set(threading.enumerate())
    write_report(contents(), tmp_path / "report.html")
    assert listened == []
    assert set(threading.enumerate()) == before
    assert capfd.readouterr() == ("", "")


def test_without_viser_the_scene_is_a_still_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parse_page: ParsePage
) -> None:
    monkeypatch.setitem(sys.modules, "viser", None)
    write_report(contents(), tmp_path / "report.html")
    page = parse_page((tmp_path / "report.html").read_text())
    assert page.all("iframe") == []
    assert "pip install 'fastcv[pipeline]'" in page.text
    labels = [str(svg.get("aria-label")) for svg in page.all("svg")]
    assert labels[0] == "The points and the cameras from above and from the side"


def test_the_same_contents_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_report(contents(), tmp_path / name)
    first, second = (re.sub(r'srcdoc="[^"]*"', "", (tmp_path / name).read_text()) for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize(
    "changes",
    [
        {"photos": [photo("1.jpg", depth=False), photo("2.jpg", depth=False)], "inliers": np.zeros((2, 2), int)},
        {"pairs": [], "warnings": [], "seconds": {}, "files": [], "facts": {}, "figures": []},
        {"cloud": Cloud(np.empty((0, 3)), np.empty((0, 3), np.uint8))},
        {"cloud": Cloud(np.full((3, 3), np.nan), np.zeros((3, 3), np.uint8))},
        {"model": Reconstruction(), "photos": [], "inliers": np.zeros((0, 0), int), "pairs": []},
    ],
    ids=["no depth", "no extras", "no points", "no finite points", "nothing"],
)
def test_sparse_contents_make_a_page_too(tmp_path: Path, changes: dict, parse_page: ParsePage) -> None:
    write_report(contents(**changes), tmp_path / "report.html")
    page = parse_page((tmp_path / "report.html").read_text())
    assert "A <courtyard> & more" in page.text


def test_many_photographs_are_listed_but_not_all_shown(tmp_path: Path, parse_page: ParsePage) -> None:
    photos = [photo(f"{i}.jpg", registered=False) for i in range(40)]
    write_report(contents(photos=photos, inliers=np.zeros((40, 40), int), pairs=[]), tmp_path / "report.html")
    page = parse_page((tmp_path / "report.html").read_text())
    assert len(page.all("img")) == 36
    assert "The first 36 of 40 are shown." in page.text
    assert "39.jpg" in page.text


def test_names_from_a_hostile_folder_do_no_harm(tmp_path: Path, parse_page: ParsePage) -> None:
    name = '"><script>alert(1)</script>\udcff.jpg'
    photos = [photo(name), photo("2.jpg")]
    write_report(contents(photos=photos, inliers=np.zeros((2, 2), int)), tmp_path / "report.html")
    page = parse_page((tmp_path / "report.html").read_text())
    assert page.all("script") == []
    assert html.unescape(page.text).count("<script>alert(1)</script>?.jpg") == 4
