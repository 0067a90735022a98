# SPDX-License-Identifier: Apache-2.0
"""Carving from files to report: results against the truth, every kind of scene, interruptions, bad input."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastcv import camera, io, pipeline, synthetic
from fastcv.pipeline import CARVE_STAGES, CarveError, CarveOptions, OptionsError, Progress

from .conftest import killed
from .test_densify import INTERRUPTED

OPTIONS = CarveOptions(resolution=48)
NAMES = [f"object_{i:03d}.jpg" for i in range(8)]
NOT_RESULTS = {"report.html", "summary.json", "manifest.json", ".lock"}


@pytest.fixture(scope="module")
def data() -> synthetic.Dataset:
    """Eight views of an object on all sides, 160 x 120, by a lens with distortion."""
    return synthetic.make_dataset("object", num_views=8, width=160, height=120, num_points=50)


@pytest.fixture(scope="module")
def scene(data: synthetic.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as people have it: ``sparse/0``, ``images`` and ``masks``."""
    folder = tmp_path_factory.mktemp("object")
    synthetic.write_dataset(data, folder / "data")
    for source, target in (
        ("truth/sparse", "scene/sparse/0"),
        ("photos", "scene/images"),
        ("truth/mask", "scene/masks"),
    ):
        shutil.copytree(folder / "data" / source, folder / target)
    return folder / "scene"


@pytest.fixture(scope="module")
def whole(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder; not to be changed."""
    out = tmp_path_factory.mktemp("whole")
    pipeline.carve_scene(scene, out, OPTIONS)
    return out


@pytest.fixture
def own(scene: Path, tmp_path: Path) -> Path:
    """A copy of the scene."""
    return Path(shutil.copytree(scene, tmp_path / "own"))


def contents(out: Path) -> dict[str, str]:
    """Digest of every result of a run. GLB files and archives have no time in them."""
    files = [path for path in out.rglob("*") if path.is_file() and path.name not in NOT_RESULTS]
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def made(scene: Path, out: Path, options: CarveOptions = OPTIONS) -> dict[str, int]:
    """Run again; how many results of each stage were not there."""
    starts: dict[str, Progress] = {}
    pipeline.carve_scene(scene, out, options, progress=lambda event: starts.setdefault(event.stage, event) and None)
    return {stage: event.total - event.done for stage, event in starts.items() if event.total > event.done}


def test_the_mesh_is_the_object(whole: Path, data: synthetic.Dataset) -> None:
    """Seen by a camera of its own, the object's true depth is in front of the hull by little and behind it nowhere."""
    summary = json.loads((whole / "summary.json").read_text())
    assert np.mean([facts["iou"] for facts in summary["views"].values()]) > 0.93  # measured: 0.955
    vertices = io.read_mesh(whole / "mesh.glb").vertices
    lens, image = data.reconstruction.cameras[1], data.reconstruction.images[1]
    in_cam = vertices @ image.rotation.T + image.translation
    pixels = np.floor(camera.project(in_cam.astype(np.float64), lens)).astype(int)
    inside = ((pixels >= 0) & (pixels < (160, 120))).all(axis=1)
    depth = data.depths[0][pixels[inside, 1], pixels[inside, 0]]
    # A vertex in the silhouette is not further in front of the surface than the hull of eight views is too thick.
    ahead = (depth - in_cam[inside, 2])[depth > 0]
    assert np.percentile(ahead, 99) < 0.35
    assert np.mean(depth > 0) > 0.9


def test_the_summary_says_what_the_files_hold(whole: Path) -> None:
    summary = json.loads((whole / "summary.json").read_text())
    mesh = io.read_mesh(whole / "mesh.glb")
    assert (summary["num_vertices"], summary["num_faces"]) == (len(mesh.vertices), len(mesh.faces))
    assert mesh.colors is not None
    assert list(summary["views"]) == NAMES
    for name, facts in summary["views"].items():
        mask = io.read_photo(whole / "masks" / f"{name}.png")[:, :, 0]
        assert facts["foreground"] == pytest.approx(np.mean(mask > 0))
        assert 0 <= facts["missing"] <= 1
    assert max(summary["volume"]["shape"]) == 48 + 2
    assert set(summary["files"]) == {path.name for path in whole.iterdir()} - {".lock"}
    assert list(summary["seconds"]) == list(CARVE_STAGES)
    assert len(list((whole / "turntable").iterdir())) == 8


def test_a_second_run_makes_nothing(scene: Path, whole: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    assert made(scene, out) == {}
    fewer = CarveOptions(resolution=48, max_faces=500)
    assert made(scene, out, fewer) == {
        "mesh": 2,
        "views": 8,
        "turntable": 8,
        "report": 1,
    }
    assert len(io.read_mesh(out / "mesh.glb").faces) < 600


def test_a_file_for_the_mesh(scene: Path, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "object.glb").write_bytes(b"an older one")
    summary = pipeline.carve_scene(scene, tmp_path / "object.glb", OPTIONS)
    assert summary.mesh == str(tmp_path / "object.glb")
    assert (tmp_path / "object.glb").read_bytes() == (whole / "mesh.glb").read_bytes()
    assert contents(tmp_path / "object") == contents(whole)
    pipeline.carve_scene(scene, tmp_path / "object.ply", OPTIONS)
    assert not (tmp_path / "object" / "mesh.glb").exists()
    assert len(io.read_mesh(tmp_path / "object.ply").faces) == summary.num_faces


def test_projection_matrices_and_pictures_by_order(tmp_path: Path) -> None:
    """Skewed, of any scale and sign, through a pinhole; photographs and masks have other names than the matrices."""
    sharp = synthetic.make_dataset("object", num_views=8, width=160, height=120, num_points=50, camera_model="PINHOLE")
    to_centers = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    (tmp_path / "masks").mkdir()
    lines = []
    for row, image in enumerate(sharp.reconstruction.images.values()):
        P = (-1) ** row * (row + 1) * to_centers @ sharp.reconstruction.cameras[1].matrix @ image.cam_from_world
        lines.append(" ".join(map(repr, P.ravel().tolist())))
        io.write_image(tmp_path / f"view{row}.png", sharp.images[row])
        io.write_image(tmp_path / "masks" / f"{row:04d}.png", sharp.masks[row].astype(np.uint8))
    (tmp_path / "P.txt").write_text("\n".join(lines))
    summary = pipeline.carve_scene(tmp_path, tmp_path / "out", OPTIONS)
    assert list(summary.views) == [f"view{row}.png" for row in range(8)]
    assert min(facts["iou"] for facts in summary.views.values()) > 0.9
    (tmp_path / "view7.png").unlink()
    with pytest.raises(CarveError, match=r"P\.txt: expected a matrix for each of the 7 pictures in .*, got 8"):
        pipeline.carve_scene(tmp_path, tmp_path / "out", OPTIONS)


def test_the_temple_by_its_dark_background(data_dir: Path, tmp_path: Path) -> None:
    """README.txt of the data gives a tight box around the object."""
    scene = data_dir / "mvs" / "templeSparseRing"
    options = CarveOptions(resolution=96, background="black", max_violations=0, colors=False)
    summary = pipeline.carve_scene(scene, tmp_path / "temple.ply", options)
    assert len(summary.views) == 16
    assert np.mean([facts["iou"] for facts in summary.views.values()]) > 0.92  # measured: 0.936, and 0.969 at 256
    assert min(facts["iou"] for facts in summary.views.values()) > 0.9
    vertices = io.read_mesh(tmp_path / "temple.ply").vertices
    box = np.array([(-0.073568, 0.021728, -0.012445), (0.028855, 0.181892, 0.062736)])
    # A voxel is 1.8 mm; below its feet, which no camera sees from below, the hull goes on for 9 mm.
    np.testing.assert_allclose([vertices.min(axis=0), vertices.max(axis=0)], box, atol=0.012)
    with pytest.raises(OptionsError, match=r"background: expected a colour, such as black, or masks; .* has no folder"):
        pipeline.carve_scene(scene, tmp_path / "none")


def test_the_dinosaur(data_dir: Path, tmp_path: Path) -> None:
    options = CarveOptions(resolution=96, colors=False)
    summary = pipeline.carve_scene(data_dir / "silhouettes" / "vgg_dino36", tmp_path / "out", options)
    assert next(iter(summary.views)) == "viff.000.png"
    # Its masks have holes, of which three are forgiven.
    assert np.mean([facts["iou"] for facts in summary.views.values()]) > 0.78  # measured: 0.816
    strict = CarveOptions(resolution=96, colors=False, max_violations=0)
    summary = pipeline.carve_scene(data_dir / "silhouettes" / "vgg_dino36", tmp_path / "out", strict)
    assert "of the silhouettes show no mesh: some of them have holes" in summary.warnings[0]


def test_killed_again_and_again_it_ends_with_the_same_files(scene: Path, whole: Path, tmp_path: Path) -> None:
    moments = [
        "writing 2",
        "at masks 3",
        "at carve 0",
        "writing 2",
        "at color 0",
        "at mesh 0",
        "writing 3",
        "at views 2",
    ]
    for moment in [*moments, "at turntable 1", "at report 0"]:
        command = killed("SIGKILL", moment, "carve", scene, "-o", tmp_path / "out", "--resolution", "48")
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL, moment
    pipeline.carve_scene(scene, tmp_path / "out", OPTIONS)
    assert contents(tmp_path / "out") == contents(whole)


def test_ctrl_c_in_every_stage(scene: Path, whole: Path, tmp_path: Path) -> None:
    expected = contents(whole)
    for stage in CARVE_STAGES:
        command = killed("SIGINT", f"in {stage}", "carve", scene, "-o", tmp_path / "out", "--resolution", "48")
        result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert (result.returncode, result.stdout, result.stderr) == (130, "", INTERRUPTED), stage
        assert contents(tmp_path / "out").items() <= expected.items()


def test_a_full_disk_leaves_the_good_mesh(scene: Path, whole: Path, tmp_path: Path) -> None:
    limit = (whole / "mesh.glb").stat().st_size - 1000
    (tmp_path / "object.glb").write_bytes(b"a good one")

    def set_limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    words = ["carve", str(scene), "-o", str(tmp_path / "object.glb"), "--resolution", "48"]
    command = [sys.executable, "-m", "fastcv.cli", *words]
    result = subprocess.run(command, check=False, preexec_fn=set_limit, capture_output=True, text=True)
    assert result.returncode == 1
    assert "File too large" in result.stderr
    assert (tmp_path / "object.glb").read_bytes() == b"a good one"
    assert not list(tmp_path.rglob(".fastcv-*"))
    pipeline.carve_scene(scene, tmp_path / "object.glb", OPTIONS)
    assert contents(tmp_path / "object") == contents(whole)


def test_threads_change_nothing(scene: Path, whole: Path, tmp_path: Path) -> None:
    pipeline.carve_scene(scene, tmp_path, CarveOptions(resolution=48, num_threads=1))
    assert contents(tmp_path) == contents(whole)


def test_views_that_cannot_be_used_are_named(own: Path, tmp_path: Path) -> None:
    (own / "masks" / "object_000.png").unlink()
    io.write_image(own / "masks" / "object_001.png", np.zeros((120, 160), np.uint8))
    io.write_image(own / "masks" / "object_002.png", np.full((60, 160), 255, np.uint8))
    (own / "masks" / "object_003.png").write_bytes(b"Dear sir")
    summary = pipeline.carve_scene(own, tmp_path / "out", OPTIONS)
    assert list(summary.views) == NAMES[4:]
    assert summary.skipped[NAMES[0]] == "it has no mask in masks"
    assert summary.skipped[NAMES[1]] == "its silhouette shows nothing"
    assert summary.skipped[NAMES[2]] == "expected 160 x 120 pixels, as its camera has, got 160 x 60"
    assert summary.skipped[NAMES[3]].startswith("expected a BMP")
    for name in NAMES[4:7]:
        (own / "masks" / name.replace("jpg", "png")).unlink()
    with pytest.raises(CarveError, match="expected two views or more, found one; skipped:\n  object_000"):
        pipeline.carve_scene(own, tmp_path / "out", OPTIONS)


def test_photographs_that_cannot_be_used_are_named(own: Path, tmp_path: Path) -> None:
    (own / "images" / NAMES[0]).write_bytes(b"Dear sir")
    io.write_image(own / "images" / "small.png", np.zeros((60, 80, 3), np.uint8))
    (own / "images" / "small.png").rename(own / "images" / NAMES[1])
    (own / "images" / NAMES[2]).unlink()  # its silhouette is there
    summary = pipeline.carve_scene(own, tmp_path / "out", OPTIONS)
    assert list(summary.views) == NAMES[2:]
    assert summary.skipped[NAMES[0]] == "expected a BMP, JPEG, PNG, PPM, TIFF, WEBP image, got another file"
    assert summary.skipped[NAMES[1]] == "expected 160 x 120 pixels, as its camera has, got 80 x 60"


def test_silhouettes_that_do_not_fit(own: Path, tmp_path: Path) -> None:
    for row, name in enumerate(NAMES):  # a corner that moves around
        mask = np.zeros((120, 160), np.uint8)
        mask[(row % 2) * 100 :, (row // 2 % 2) * 130 :] = 255
        mask[20 + (row % 2) * 100 :, :] = 0
        mask[:, 30 + (row // 2 % 2) * 130 :] = 0
        io.write_image(own / "masks" / name.replace("jpg", "png"), mask)
    with pytest.raises(CarveError, match=r"expected silhouettes of one object|the views leave nothing"):
        pipeline.carve_scene(own, tmp_path / "out", OPTIONS)
    for name in NAMES:
        io.write_image(own / "masks" / name.replace("jpg", "png"), np.full((120, 160), 255, np.uint8))
    with pytest.raises(CarveError, match=r"cones bound a box, got cones that leave it open; bounds gives one"):
        pipeline.carve_scene(own, tmp_path / "out", OPTIONS)


def test_a_box_that_is_given(scene: Path, tmp_path: Path) -> None:
    options = CarveOptions(voxel_size=0.05, bounds=(-0.3, -0.3, 0, 0.3, 0.3, 0.5), colors=False)
    summary = pipeline.carve_scene(scene, tmp_path / "out", options)
    assert summary.volume["shape"] == [12, 14, 14]
    beside = CarveOptions(bounds=(5, 5, 5, 6, 6, 6), min_views=1)
    with pytest.raises(CarveError, match="the views leave nothing: no place is foreground in all of them but 0"):
        pipeline.carve_scene(scene, tmp_path / "none", beside)


def test_scenes_that_make_no_sense(scene: Path, tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="expected a folder, got nothing there"):
        pipeline.carve_scene(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(CarveError, match=r"expected a COLMAP model, one \*_par.txt or P.txt, found none of them"):
        pipeline.carve_scene(tmp_path, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="expected cameras, got nothing there"):
        pipeline.carve_scene(scene, tmp_path / "out", cameras=tmp_path / "P.txt")
    with pytest.raises(NotADirectoryError, match="expected a folder of pictures, got none"):
        pipeline.carve_scene(scene, tmp_path / "out", masks=tmp_path / "masks")
    with pytest.raises(OptionsError, match=r"out: expected a folder or a mesh in .glb, .obj, .ply, got .*mesh\.stl"):
        pipeline.carve_scene(scene, tmp_path / "mesh.stl")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("dear")
    with pytest.raises(FileExistsError, match=r"found thesis\.tex"):
        pipeline.carve_scene(scene, tmp_path / "full")
    model = io.read_colmap(scene / "sparse" / "0")
    model.images[1].name = "../../evil.jpg"
    io.write_colmap(model, tmp_path / "model")
    io.write_image(tmp_path / "evil.png", np.full((120, 160), 255, np.uint8))
    (tmp_path / "a" / "b").mkdir(parents=True)
    shutil.copytree(scene / "masks", tmp_path / "a" / "b" / "masks")
    with pytest.raises(CarveError, match="expected names that stay in the folder of photographs"):
        pipeline.carve_scene(tmp_path / "model", tmp_path / "out", OPTIONS, masks=tmp_path / "a" / "b" / "masks")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resolution": 7}, "resolution: expected 8 or more, got 7"),
        ({"voxel_size": 0.0}, "voxel_size: expected a positive number, got 0"),
        ({"voxel_size": float("nan")}, "voxel_size: expected a positive number, got nan"),
        ({"bounds": (0, 0, 0, 1, 1, 0)}, "bounds: expected the lowest corner, then the highest"),
        ({"min_views": -1}, "min_views: expected 0 or more"),
        ({"max_violations": -1}, "max_violations: expected 0 or more"),
        ({"background": "sky"}, "background: expected black, white or a colour such as 0,0,190, got 'sky'"),
        ({"background": "0,0,256"}, "background: expected black, white or a colour"),
        ({"tolerance": 255}, "tolerance: expected at most 254"),
        ({"min_part": 1.5}, "min_part: expected 0 to 1"),
        ({"max_faces": -1}, "max_faces: expected 0 or more"),
        ({"texture_size": 255}, "texture_size: expected 256 or more, got 255"),
        ({"max_memory": "lots"}, "max_memory: expected a size such as 800M"),
        ({"num_threads": -1}, "num_threads: expected 0 or more"),
    ],
)
def test_options_that_make_no_sense(values: dict, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        CarveOptions(**values)
