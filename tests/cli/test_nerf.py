# SPDX-License-Identifier: Apache-2.0
"""``fastcv nerf train`` and ``render``: what goes where, that they go on, what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fastcv import io, nerf, pipeline
from fastcv.cli.main import run
from fastcv.pipeline import NerfError, NerfOptions, OptionsError
from fastcv.scene import Camera, Image, Reconstruction

torch = pytest.importorskip("torch")
SIZE = 24
FAST = NerfOptions(steps=110, samples=1024, mesh_resolution=16, turns=2)


def photograph(pose: np.ndarray) -> np.ndarray:
    """A red ball of radius 0.5 in front of nothing."""
    v, u = (np.mgrid[:SIZE, :SIZE] + 0.5 - SIZE / 2) / SIZE
    directions = np.stack([u, v, np.ones_like(u)], -1) @ pose[:, :3]
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    center = -pose[:, :3].T @ pose[:, 3]
    alpha = (directions @ center) ** 2 > center @ center - 0.25
    return np.stack([np.full(alpha.shape, 200), *2 * [np.full(alpha.shape, 40)], 255 * alpha], -1).astype(np.uint8)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``transforms.json`` of nine views, two of them for tests."""
    folder = tmp_path_factory.mktemp("scene")
    camera, images, paths = Camera("SIMPLE_PINHOLE", SIZE, SIZE, np.array([24.0, 12.0, 12.0])), {}, {}
    for key, angle in enumerate(np.linspace(0, 2 * np.pi, 9, endpoint=False), 1):
        c, s = np.cos(angle), np.sin(angle)
        pose = np.array([[c, 0, s, 0], [0, 1, 0, 0], [-s, 0, c, 2]])
        paths[key] = folder / f"{key}.png"
        io.write_image(paths[key], photograph(pose))
        images[key] = Image(paths[key].name, 1, pose)
    splits = {"train": [1, 2, 3, 5, 6, 8, 9], "test": [4, 7]}
    transforms = io.Transforms(Reconstruction({1: camera}, images), paths, splits=splits, scale=0.66)
    io.write_transforms(folder / "transforms.json", transforms)
    return folder


@pytest.fixture(scope="module")
def trained(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "ball.ply"
    pipeline.train_field(scene, out, FAST)
    return out


def test_training_leaves_what_was_promised(trained: Path) -> None:
    folder = trained.with_suffix("")
    metrics = json.loads((folder / "summary.json").read_text())
    short = json.loads((folder / "metrics.json").read_text())
    assert short == {name: metrics[name] for name in ("psnr", "ssim", "views", "curve")}
    assert list(metrics["views"]) == ["0003_4", "0006_7"]
    assert metrics["psnr"] > 15  # a white picture has 8
    assert metrics["curve"][-1]["step"] == 110
    assert {"report.html", "field.npz", "metrics.json", "views", "depth", "turntable"} <= set(metrics["files"])
    assert len(list((folder / "turntable").iterdir())) == 2
    picture, depth = io.read_photo(folder / "views" / "0003_4.png"), io.read_pfm(folder / "depth" / "0003_4.pfm")
    assert picture.shape == (SIZE, SIZE, 3)
    assert depth[SIZE // 2, SIZE // 2] == pytest.approx(1.5, abs=0.4)
    assert len(io.read_mesh(trained).faces) == metrics["num_faces"] > 0
    assert not list(folder.glob("training-*"))
    page = (folder / "report.html").read_text()
    assert "New views beside the truth" in page
    assert page.count("<img") == 2 * 3 + 2


def test_nothing_is_done_twice(scene: Path, trained: Path) -> None:
    field = trained.with_suffix("") / "field.npz"
    before = field.stat().st_mtime_ns
    pipeline.train_field(scene, trained, FAST)
    assert field.stat().st_mtime_ns == before


def test_an_interrupted_training_goes_on_to_the_same_field(scene: Path, trained: Path, tmp_path: Path) -> None:
    def stop(event: pipeline.Progress) -> None:
        if event.detail:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.train_field(scene, tmp_path / "out", FAST, progress=stop)
    assert len(list((tmp_path / "out").glob("training-*.npz"))) == 1
    seen: list[str] = []
    pipeline.train_field(scene, tmp_path / "out", FAST, progress=lambda event: seen.append(event.detail))
    assert [text.split(",")[1] for text in seen if text] == [" step 110"]
    with np.load(tmp_path / "out" / "field.npz") as again, np.load(trained.with_suffix("") / "field.npz") as whole:
        assert again.files == whole.files
        assert all(np.array_equal(again[name], whole[name]) for name in whole.files)


def test_a_field_that_is_nowhere_dense_has_no_mesh(scene: Path, tmp_path: Path) -> None:
    summary = pipeline.train_field(scene, tmp_path / "out", NerfOptions(steps=1, mesh_resolution=8, turns=0))
    assert (summary.num_faces, len(summary.warnings)) == (0, 1)
    assert summary.warnings[0].startswith("There is no mesh")
    assert not (tmp_path / "out" / "mesh.glb").exists()


def test_info_knows_the_folder(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", str(trained.with_suffix(""))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "kind: run folder of nerf"
    assert "finished: True" in lines


def test_train_tells_people(scene: Path, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--steps", "110", "--samples", "1024", "--mesh-resolution", "16", "--turns", "2"]
    assert run(["nerf", "train", str(scene), "-o", str(trained), *options]) == 0
    steps, quality, place = capsys.readouterr().out.splitlines()
    assert steps.startswith("110 steps in ")
    assert quality.startswith("2 held-out views: PSNR ")
    assert place == str(trained.with_suffix("") / "report.html")


def test_render_writes_what_the_field_sees(scene: Path, trained: Path, tmp_path: Path) -> None:
    assert run(["nerf", "render", str(trained.with_suffix("")), str(scene), "-o", str(tmp_path / "new")]) == 0
    names = ["0003_4.png", "0006_7.png"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    views = trained.with_suffix("") / "views"
    for name in names:
        np.testing.assert_array_equal(io.read_photo(tmp_path / "new" / name), io.read_photo(views / name))


def test_render_refuses_a_split_without_images(scene: Path, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="split: expected one with images, train or test, got val"):
        pipeline.render_field(trained.with_suffix(""), scene, tmp_path, split="val")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "5", "--seconds", "2"], "--steps: expected none where seconds are given, got both"),
        (["--seconds", "0"], "--seconds: expected a positive number, got 0.0"),
        (["--turns", "-1"], "--turns: expected 0 or more, got -1"),
    ],
)
def test_train_refuses_options(
    scene: Path, tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["nerf", "train", str(scene), "-o", str(tmp_path / "out"), *words]) == 2
    assert message in capsys.readouterr().err


def test_train_refuses_what_is_no_scene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["nerf", "train", str(tmp_path / "none"), "-o", str(tmp_path / "out")]) == 2
    assert "none: expected a scene, got nothing there" in capsys.readouterr().err
    assert run(["nerf", "train", str(tmp_path), "-o", str(tmp_path / "out")]) == 1
    assert "expected transforms.json" in capsys.readouterr().err


def test_train_refuses_images_of_several_sizes(tmp_path: Path) -> None:
    cameras = {i: Camera("SIMPLE_PINHOLE", 8 * i, 8, np.array([9.0, 4.0 * i, 4.0])) for i in (1, 2)}
    images = {i: Image(f"{i}.png", i, np.eye(3, 4)) for i in (1, 2)}
    for i in (1, 2):
        io.write_image(tmp_path / f"{i}.png", np.zeros((8, 8 * i, 3), np.uint8))
    paths = {i: tmp_path / f"{i}.png" for i in (1, 2)}
    io.write_transforms(tmp_path / "transforms.json", io.Transforms(Reconstruction(cameras, images), paths))
    with pytest.raises(NerfError, match="expected images of one size"):
        pipeline.train_field(tmp_path, tmp_path / "out", FAST)


def test_orbit_looks_at_the_middle_of_the_box(scene: Path) -> None:
    from fastcv.pipeline.train_field import orbit

    found = nerf.read_scene(scene)
    poses = orbit(found, 5)
    rotations, middle = poses[:, :, :3], found.box.mean(0)
    np.testing.assert_allclose(
        rotations @ rotations.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (5, 3, 3)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(rotations), 1)
    # All cameras of the scene are at distance 2 from the middle.
    np.testing.assert_allclose(rotations @ middle + poses[:, :, 3], np.broadcast_to([0, 0, 2.0], (5, 3)), atol=1e-6)
