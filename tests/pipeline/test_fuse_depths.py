# SPDX-License-Identifier: Apache-2.0
"""Depth maps from files to a mesh: against the truth, every kind of scene, interruptions, memory, bad input."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastcv import FormatError, camera, io, pipeline, scene, synthetic
from fastcv.pipeline import FUSE_STAGES, FuseError, FuseOptions, OptionsError, Progress
from fastcv.pipeline.fuse_source import DepthFile

from .conftest import killed
from .test_carve_scene import contents
from .test_densify import INTERRUPTED

SIZE = 0.03
OPTIONS = FuseOptions(voxel_size=SIZE)
NAMES = [f"{row:03d}" for row in range(8)]


@pytest.fixture(scope="module")
def data() -> synthetic.Dataset:
    """Eight views of an object on all sides, 160 x 120."""
    return synthetic.make_dataset("object", num_views=8, width=160, height=120, num_points=50, camera_model="PINHOLE")


@pytest.fixture(scope="module")
def sequence(data: synthetic.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In the manner of 7-Scenes: millimetres, poses from camera to world, pixels counted from centres."""
    folder = tmp_path_factory.mktemp("sequence")
    write_sequence(data, folder, range(8))
    return folder


def write_sequence(data: synthetic.Dataset, folder: Path, rows: range) -> None:
    np.savetxt(
        folder / "camera-intrinsics.txt", data.reconstruction.cameras[1].matrix - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    )
    for row in rows:
        image = data.reconstruction.images[row + 1]
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = image.rotation.T, image.center
        np.savetxt(folder / f"{NAMES[row]}.pose.txt", pose)
        io.write_image(folder / f"{NAMES[row]}.depth.png", np.rint(1000 * data.depths[row]).astype(np.uint16))
        io.write_image(folder / f"{NAMES[row]}.color.png", data.images[row])


@pytest.fixture(scope="module")
def whole(sequence: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder; not to be changed."""
    out = tmp_path_factory.mktemp("whole")
    pipeline.fuse_depths(sequence, out, OPTIONS)
    return out


@pytest.fixture
def own(sequence: Path, tmp_path: Path) -> Path:
    """A copy of the sequence."""
    return Path(shutil.copytree(sequence, tmp_path / "own"))


def made(source: Path, out: Path, options: FuseOptions = OPTIONS) -> dict[str, int]:
    """Run again; how many results of each stage were not there."""
    starts: dict[str, Progress] = {}
    pipeline.fuse_depths(source, out, options, progress=lambda event: starts.setdefault(event.stage, event) and None)
    return {stage: event.total - event.done for stage, event in starts.items() if event.total > event.done}


def distances(mesh: Path, data: synthetic.Dataset) -> np.ndarray:
    """How far vertices lie from the true surface along the viewing axis, the smallest over the views that show them."""
    vertices = io.read_mesh(mesh).vertices.astype(np.float64)
    best = np.full(len(vertices), np.inf)
    for row, image in enumerate(data.reconstruction.images.values()):
        in_cam = vertices @ image.rotation.T + image.translation
        pixels = np.floor(camera.project(in_cam, data.reconstruction.cameras[1])).astype(int)
        inside = ((pixels >= 0) & (pixels < (160, 120))).all(axis=1)
        depth = data.depths[row][pixels[inside, 1], pixels[inside, 0]]
        best[inside] = np.minimum(best[inside], np.where(depth > 0, np.abs(depth - in_cam[inside, 2]), np.inf))
    return best


def test_the_mesh_is_the_surface(whole: Path, data: synthetic.Dataset) -> None:
    error = distances(whole / "mesh.glb", data)
    assert np.mean(error < SIZE) > 0.9  # measured: 0.931; the others lie at the rims of silhouettes
    assert np.median(error) < 0.2 * SIZE  # measured: 0.12


def test_the_summary_says_what_the_files_hold(whole: Path, data: synthetic.Dataset) -> None:
    summary = json.loads((whole / "summary.json").read_text())
    mesh = io.read_mesh(whole / "mesh.glb")
    assert (summary["num_vertices"], summary["num_faces"]) == (len(mesh.vertices), len(mesh.faces))
    assert mesh.colors is not None
    assert list(summary["views"]) == NAMES
    for row, facts in enumerate(summary["views"].values()):
        assert facts["coverage"] == pytest.approx(np.mean(data.depths[row] > 0))
        assert facts["median_depth"] == pytest.approx(np.median(data.depths[row][data.depths[row] > 0]), abs=5e-4)
        assert facts["error"] < 0.3
        assert facts["explained"] > 0.8
    assert summary["volume"]["voxel_size"] == SIZE
    assert set(summary["files"]) == {path.name for path in whole.iterdir()} - {".lock"}
    assert list(summary["seconds"]) == list(FUSE_STAGES)


def test_a_second_run_makes_nothing(sequence: Path, whole: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    assert made(sequence, out) == {}
    strict = FuseOptions(voxel_size=SIZE, min_frames=3)
    assert made(sequence, out, strict) == {"mesh": 2, "views": 8, "turntable": 8, "report": 1}


def test_more_depth_maps_are_added_to_the_volume(
    data: synthetic.Dataset, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    write_sequence(data, tmp_path / "own", range(5))
    pipeline.fuse_depths(tmp_path / "own", tmp_path / "out", OPTIONS)
    write_sequence(data, tmp_path / "own", range(5, 8))
    read = []
    original = DepthFile.read_depth

    def read_depth(self, *limits):
        read.append(self.name)
        return original(self, *limits)

    monkeypatch.setattr(DepthFile, "read_depth", read_depth)
    events: list[Progress] = []
    pipeline.fuse_depths(tmp_path / "own", tmp_path / "out", OPTIONS, progress=events.append)
    stages = [event.stage for event in events]
    assert read[:3] == NAMES[5:]
    assert stages.index("integrate") < stages.index("mesh")
    assert contents(tmp_path / "out") == contents(whole)


def test_killed_again_and_again_it_ends_with_the_same_files(sequence: Path, whole: Path, tmp_path: Path) -> None:
    moments = ["writing 3", "writing 2", "writing 4", "at mesh 0", "writing 2", "at views 3", "at turntable 2"]
    for moment in [*moments, "at report 0"]:
        command = killed("SIGKILL", moment, "fuse", sequence, "-o", tmp_path / "out", "--voxel-size", str(SIZE))
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL, moment
    pipeline.fuse_depths(sequence, tmp_path / "out", OPTIONS)
    assert contents(tmp_path / "out") == contents(whole)
    assert not list((tmp_path / "out").rglob(".fastcv-*"))


def test_a_kill_costs_what_came_after_the_last_volume(sequence: Path, tmp_path: Path) -> None:
    """Every depth map is followed by a volume there; the sixth file is that after the fourth of them."""
    command = killed("SIGKILL", "writing 6", "fuse", sequence, "-o", tmp_path / "out", "--voxel-size", str(SIZE))
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    events: list[Progress] = []
    pipeline.fuse_depths(sequence, tmp_path / "out", OPTIONS, progress=events.append)
    with np.load(tmp_path / "out" / "volume.npz") as volume:
        assert json.loads(str(volume["facts"]))["done"] == 8
    assert [event.detail for event in events if event.stage == "integrate" and event.detail] == ["8 of 8 depth maps"]


def test_a_damaged_volume_is_made_anew(sequence: Path, whole: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    data = (out / "volume.npz").read_bytes()
    for damaged in (data[: len(data) // 2], b"", b"PK\x03\x04", data[:1000] + b"x" + data[1001:]):
        (out / "volume.npz").write_bytes(damaged)
        assert made(sequence, out) == {"integrate": 1, "report": 1}
        assert contents(out) == contents(whole)


def test_ctrl_c_in_every_stage(sequence: Path, whole: Path, tmp_path: Path) -> None:
    expected = contents(whole)
    for stage in FUSE_STAGES:
        command = killed("SIGINT", f"in {stage}", "fuse", sequence, "-o", tmp_path / "out", "--voxel-size", str(SIZE))
        result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert (result.returncode, result.stdout, result.stderr) == (130, "", INTERRUPTED), stage
        found = {name: digest for name, digest in contents(tmp_path / "out").items() if name != "volume.npz"}
        assert found.items() <= expected.items()


def test_a_full_disk_loses_nothing(sequence: Path, whole: Path, tmp_path: Path) -> None:
    limit = (whole / "volume.npz").stat().st_size - 1000

    def set_limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    words = ["fuse", str(sequence), "-o", str(tmp_path / "out"), "--voxel-size", str(SIZE)]
    command = [sys.executable, "-m", "fastcv.cli", *words]
    result = subprocess.run(command, check=False, preexec_fn=set_limit, capture_output=True, text=True)
    assert result.returncode == 1
    assert "File too large" in result.stderr
    assert "the same command goes on where it stopped" in result.stderr
    pipeline.fuse_depths(sequence, tmp_path / "out", OPTIONS)
    assert contents(tmp_path / "out") == contents(whole)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"max_depth": 0.01}, FuseError, r"expected depth maps with depths up to 0.01 \(max_depth\), found none"),
        ({"voxel_size": 100.0}, FuseError, r"the depth maps show no surface: too few of their pixels lie in voxels"),
        ({"voxel_size": SIZE, "min_frames": 50}, FuseError, r"no surface that 50 depth maps have seen \(min_frames\)"),
        ({"voxel_size": 1e-9}, OptionsError, r"voxel_size: expected surfaces within 2\*\*23 voxels of the origin"),
    ],
)
def test_options_that_leave_nothing(sequence: Path, tmp_path: Path, options: dict, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        pipeline.fuse_depths(sequence, tmp_path / "out", FuseOptions(**options))


def test_threads_change_nothing(sequence: Path, whole: Path, tmp_path: Path) -> None:
    pipeline.fuse_depths(sequence, tmp_path, FuseOptions(voxel_size=SIZE, num_threads=1))
    assert contents(tmp_path) == contents(whole)


def test_memory(sequence: Path, tmp_path: Path) -> None:
    """A volume that fits under the limit leaves the process under it; one that does not is refused with a way out."""
    fine = FuseOptions(voxel_size=0.003, max_memory="400M")
    with pytest.raises(OptionsError, match=r"max_memory: expected blocks that fit into .* larger voxels need less"):
        pipeline.fuse_depths(sequence, tmp_path / "none", fine)
    words = [
        "fuse",
        str(sequence),
        "-o",
        str(tmp_path / "out"),
        "--voxel-size",
        "0.012",
        "--max-memory",
        "600M",
        "--json",
    ]
    line = [sys.executable, "-m", "fastcv.cli", *words]
    result = subprocess.run(line, check=True, capture_output=True, text=True)
    assert json.loads(result.stdout)["peak_memory_mb"] < 600


def test_the_depth_maps_of_mvs(tmp_path: Path) -> None:
    data = synthetic.make_dataset("courtyard", num_views=4, width=160, height=120)  # with distortion
    synthetic.write_dataset(data, tmp_path / "scene")
    stereo = pipeline.DensifyOptions(refine=False, format="colmap")
    pipeline.densify(tmp_path / "scene/truth/sparse", tmp_path / "scene/photos", tmp_path / "mvs", stereo)
    summary = pipeline.fuse_depths(tmp_path / "mvs", tmp_path / "mesh.ply")
    names = [f"courtyard_{row:03d}.jpg" for row in range(4)]
    assert list(summary.views) == names
    mesh = io.read_mesh(tmp_path / "mesh.ply")
    # Colours are those of the photographs: at vertices that the first view sees, in the mean.
    image, lens = data.reconstruction.images[1], data.reconstruction.cameras[1]
    in_cam = mesh.vertices @ image.rotation.T + image.translation
    pixels = np.floor(camera.project(in_cam.astype(np.float64), lens)).astype(int)
    seen = (in_cam[:, 2] > 0) & ((pixels >= 0) & (pixels < (160, 120))).all(axis=1)
    x, y = pixels[seen].T
    seen_depth = data.depths[0][y, x]
    near = np.abs(seen_depth - in_cam[seen, 2]) < 0.02 * seen_depth
    difference = mesh.colors[seen][near].astype(float) - data.images[0][y[near], x[near]]
    assert np.abs(difference.mean(axis=0)).max() < 6
    assert np.median(np.abs(difference)) < 12

    # The photographs are gone; then they are somewhere else.
    (tmp_path / "scene" / "photos").rename(tmp_path / "elsewhere")
    summary = pipeline.fuse_depths(tmp_path / "mvs", tmp_path / "grey.ply")
    assert summary.warnings == ["the mesh has no colours, for no photographs were found; images says where they are"]
    assert io.read_mesh(tmp_path / "grey.ply").colors is None
    pipeline.fuse_depths(tmp_path / "mvs", tmp_path / "again.ply", images=tmp_path / "elsewhere")
    assert (tmp_path / "again.ply").read_bytes() == (tmp_path / "mesh.ply").read_bytes()

    # The same as COLMAP's dense workspace, with the names that COLMAP gives.
    workspace = tmp_path / "workspace"
    shutil.copytree(tmp_path / "mvs" / "stereo", workspace / "stereo")
    shutil.copytree(tmp_path / "mvs" / "depth" / "cameras", workspace / "sparse")
    summary = pipeline.fuse_depths(workspace, tmp_path / "colmap.ply", FuseOptions(colors=False))
    expected, found = io.read_mesh(tmp_path / "grey.ply"), io.read_mesh(tmp_path / "colmap.ply")
    np.testing.assert_array_equal(found.vertices, expected.vertices)
    with pytest.raises(OptionsError, match="out: expected another folder than the scene's"):
        pipeline.fuse_depths(tmp_path / "mvs", tmp_path / "mvs")


def test_frames_that_cannot_be_used_are_named(own: Path, tmp_path: Path) -> None:
    (own / "000.depth.png").write_bytes((own / "000.depth.png").read_bytes()[:200])
    io.write_image(own / "001.depth.png", np.zeros((120, 160), np.uint16))
    io.write_image(own / "002.depth.png", np.full((60, 80), 1000, np.uint16))
    np.savetxt(own / "003.pose.txt", np.full((4, 4), np.nan))
    (own / "004.color.png").unlink()
    (own / "005.color.png").write_bytes(b"Dear sir")
    summary = pipeline.fuse_depths(own, tmp_path / "out", OPTIONS)
    assert list(summary.views) == NAMES[6:]
    reasons = [summary.skipped[name].split(":")[0] for name in NAMES[:6]]
    assert reasons[1:5] == [
        "it has no depth",
        "expected shape (120, 160), its camera's, got (60, 80)",
        "003.pose.txt says that its pose is unknown",
        "expected a photograph of it, as others have, found none",
    ]
    assert reasons[0].startswith("expected an image that decodes")
    assert reasons[5].startswith("expected a BMP")
    summary = pipeline.fuse_depths(own, tmp_path / "out", FuseOptions(voxel_size=SIZE, colors=False))
    assert list(summary.views) == NAMES[4:]


def test_limits_of_depth(sequence: Path, tmp_path: Path) -> None:
    summary = pipeline.fuse_depths(sequence, tmp_path / "near", FuseOptions(voxel_size=SIZE, max_depth=2.3))
    assert max(facts["median_depth"] for facts in summary.views.values()) <= 2.3
    with pytest.raises(FuseError, match="expected depth maps that can be fused, found none; 000: it has no depth"):
        pipeline.fuse_depths(sequence, tmp_path / "none", FuseOptions(voxel_size=SIZE, max_depth=0.01))


def test_scenes_that_make_no_sense(own: Path, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="expected a folder, got nothing there"):
        pipeline.fuse_depths(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FuseError, match="expected a run folder of mvs or reconstruct, COLMAP's dense work"):
        pipeline.fuse_depths(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(FuseError, match="got a run folder, of which depth is not finished yet"):
        pipeline.fuse_depths(whole, tmp_path / "out")
    np.savetxt(own / "003.pose.txt", 2 * np.eye(4))
    with pytest.raises(FormatError, match=r"003\.pose\.txt: expected"):
        pipeline.fuse_depths(own, tmp_path / "out")
    bent = scene.Camera("SIMPLE_RADIAL", 8, 6, np.array([9.0, 4, 3, 0.1]))
    io.write_colmap(scene.Reconstruction({1: bent}, {1: scene.Image("a.png", 1, np.eye(3, 4))}), tmp_path / "w/sparse")
    (tmp_path / "w" / "stereo" / "depth_maps").mkdir(parents=True)
    with pytest.raises(FuseError, match="expected cameras without distortion, PINHOLE, got SIMPLE_RADIAL"):
        pipeline.fuse_depths(tmp_path / "w", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_kinect(data_dir: Path, tmp_path: Path) -> None:
    """Six frames of a handheld Kinect at its default voxels, three pixels at the median depth: about a centimetre."""
    source = data_dir / "mvs" / "kinect7scenes"
    for number in range(0, 60, 10):
        for path in source.glob(f"frame-{number:06d}.*"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "camera-intrinsics.txt").symlink_to(source / "camera-intrinsics.txt")
    summary = pipeline.fuse_depths(tmp_path, tmp_path / "out")
    assert summary.volume["voxel_size"] == pytest.approx(3 * 1.88 / 585, rel=0.05)
    assert np.median([facts["error"] for facts in summary.views.values()]) < 0.6
    assert summary.num_faces > 100_000


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"voxel_size": -1.0}, "voxel_size: expected a positive number, got -1"),
        ({"truncation": 0.5}, "truncation: expected 1 or more, got 0.5"),
        ({"max_depth": 0.0}, "max_depth: expected a positive number"),
        ({"min_frames": 0}, "min_frames: expected 1 or more"),
        ({"intrinsics": (0.0, 1, 1, 1)}, "intrinsics: expected fx, fy, cx, cy with positive focal lengths"),
        ({"min_part": -0.5}, "min_part: expected 0 to 1"),
        ({"max_faces": -1}, "max_faces: expected 0 or more"),
        ({"max_memory": "lots"}, "max_memory: expected a size such as 800M"),
        ({"num_threads": -1}, "num_threads: expected 0 or more"),
    ],
)
def test_options_that_make_no_sense(values: dict, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        FuseOptions(**values)
