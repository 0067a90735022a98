# SPDX-License-Identifier: Apache-2.0
"""``fastcv mvs`` on real photographs with given poses, and no points: against the same steps on arrays in memory.

Each run is a process of its own, whose peak memory is its own. The check asks that the streamed cloud equals that of
the array functions to the last bit, that the memory limit was kept, and that other views confirm enough depths.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks._harness import Check, Contest, Timing, case, data_dir, timed

import fastcv
from fastcv import Reconstruction, io, mvs, synthetic

NUM_THREADS = 2
MIN_CONFIDENCE, NUM_SOURCES, NUM_NEIGHBORS, MAX_PLANES = 0.05, 4, 16, 2048  # the command's defaults
NUM_LEVELS = 3  # what these sizes get
TEMPLE_BOX = np.array([[-0.023121, -0.038009, -0.091940], [0.078626, 0.121636, -0.017395]])  # its README
BOX_MARGIN = 0.004  # metres: half a window from 0.6 m at f = 1520 px


@case
def fountain_half(contest: Contest) -> None:
    """11 views of 1536 x 1024."""
    if contest.quick:
        return
    folder = data_dir() / "mvs" / "fountain-P11_half"
    compete(contest, fountain(folder), folder / "images", "1G")


@case
def temple_ring(contest: Contest) -> None:
    """19 views of 640 x 480; the cloud's bright points must lie in the object's box."""
    folder = data_dir() / "mvs" / "templeRing19"
    compete(contest, temple(folder, 6 if contest.quick else 19), folder, "500M", in_temple_box)


@case
def max_memory(contest: Contest) -> None:
    """One view of 20 megapixels whose costs at 256 planes are 20 GB, under 2 GB; and with room for everything."""
    width, height, planes, limit = (1250, 1000, 256, "400M") if contest.quick else (5000, 4000, 256, "2G")
    data = synthetic.make_dataset("courtyard", num_views=3, width=width, height=height, camera_model="PINHOLE")
    folder = tempfile.TemporaryDirectory()
    root = Path(folder.name)
    synthetic.write_dataset(data, root)
    contest.note(width=width, height=height, planes=planes, volume_gb=4e-9 * width * height * planes, limit=limit)
    more = ["--views", "courtyard_001.jpg", "--max-size", str(width), "--max-planes", str(planes), "--no-refine"]

    def run(memory: str) -> Timing:
        return command(root / "truth" / "sparse", root / "photos", memory, folder, more)

    contest.rounds = 1
    contest.ours(lambda: run(limit))
    contest.peer("fastcv, 64 GB allowed", fastcv.__version__, lambda: run("64G"), check=same_depth)


def same_depth(ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[str, bool]:
    same = all(np.array_equal(a, b) for a, b in zip(ours["depths"], theirs["depths"], strict=True))
    peak, allowed = ours["summary"]["peak_memory_mb"], ours["summary"]["max_memory_mb"]
    text = f"depth {'equal to the last bit' if same else 'DIFFERS'}, {peak:.0f} of {allowed:.0f} MB"
    return text, same and peak <= allowed


def compete(
    contest: Contest,
    model: Reconstruction,
    photos: Path,
    memory: str,
    accuracy: Callable[[dict[str, Any]], float] = lambda _: 1.0,
) -> None:
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "model"
    io.write_colmap(model, path)
    contest.rounds = 1
    contest.ours(lambda: command(path, photos, memory, folder, []))
    check = same_cloud(contest, accuracy)
    contest.peer("steps on arrays", fastcv.__version__, lambda: timed(lambda: arrays(path, photos)), check=check)


def same_cloud(contest: Contest, accuracy: Callable[[dict[str, Any]], float]) -> Check:
    def check(ours: dict[str, Any], theirs: mvs.PointCloud) -> tuple[str, bool]:
        summary, cloud = ours["summary"], ours["cloud"]
        same = all(np.array_equal(cloud[name], getattr(theirs, name)) for name in ("xyz", "rgb", "normals"))
        peak, allowed, right = summary["peak_memory_mb"], summary["max_memory_mb"], accuracy(cloud)
        contest.note(
            points=summary["num_points"],
            seconds=summary["seconds"],
            peak_memory_mb=peak,
            confirmed=summary["confirmed"],
            coverage=summary["depth_coverage"],
            in_box=right,
        )
        text = (
            f"{len(theirs.xyz)} points {'equal to the last bit' if same else 'DIFFER'}, {summary['confirmed']:.0%} of "
            f"the depths confirmed, {peak:.0f} of {allowed:.0f} MB"
        )
        return text, same and peak <= allowed and summary["confirmed"] > 0.5 and right > 0.97

    return check


def command(model: Path, photos: Path, memory: str, owner: tempfile.TemporaryDirectory[str], more: list[str]) -> Timing:
    """``fastcv mvs`` in a process of its own: its summary, cloud and depth maps. The owner's folder lives as long."""
    with tempfile.TemporaryDirectory(dir=owner.name) as out:
        words = ["-o", out, "--max-memory", memory, "--num-threads", str(NUM_THREADS), "--json", *more]
        line = [sys.executable, "-m", "fastcv.cli", "mvs", str(model), str(photos), *words]
        run = timed(lambda: subprocess.run(line, check=True, capture_output=True, text=True))
        depths = [io.read_pfm(path) for path in sorted((Path(out) / "estimated").rglob("*.pfm"))]
        result = {"summary": json.loads(run.result.stdout), "depths": depths, "cloud": io.read_ply(f"{out}/fused.ply")}
    return Timing(run.seconds, result, facts={"peak_memory_mb": result["summary"]["peak_memory_mb"]})


def arrays(path: Path, photos: Path) -> mvs.PointCloud:
    """What the command does, by the public functions on arrays that are all in memory."""
    model = io.read_colmap(path)  # poses go through the file's quaternions
    ids = sorted(model.images, key=lambda i: model.images[i].name)
    views = {}
    for i in ids:
        image = model.images[i]
        photo = io.read_photo(photos / image.name)
        picture, pinhole = fastcv.camera.undistort_image(photo, model.cameras[image.camera_id])
        views[i] = mvs.View(picture, pinhole.matrix, image.cam_from_world)
    candidates = mvs.select_sources(model, num_sources=NUM_NEIGHBORS)
    maps = []
    for i in ids:
        sources = [views[j] for j in candidates[i][:NUM_SOURCES]]
        near, far = mvs.depth_range_from_poses(model, i)
        planes = min(mvs.num_inverse_depth_planes(views[i], sources, near, far), MAX_PLANES)
        depths = mvs.inverse_depth_planes(near, far, planes)
        swept = mvs.estimate_depth_pyramid(views[i], sources, depths, num_levels=NUM_LEVELS, num_threads=NUM_THREADS)
        maps.append(mvs.refine_depth(views[i], sources, swept, depth_range=(near, far), num_threads=NUM_THREADS))
    neighbors = [[ids.index(j) for j in candidates[i]] for i in ids]
    ordered = [views[i] for i in ids]
    kept = mvs.filter_depths(ordered, maps, sources=neighbors, min_confidence=MIN_CONFIDENCE)
    return mvs.fuse(ordered, kept, sources=neighbors)


def in_temple_box(cloud: dict[str, Any]) -> float:
    """Share of the points brighter than the backdrop that lie in the object's box."""
    low, high = TEMPLE_BOX + [[-BOX_MARGIN], [BOX_MARGIN]]
    temple = cloud["xyz"][cloud["rgb"].mean(axis=1) > 40]
    return float(((temple > low) & (temple < high)).all(axis=1).mean())


def fountain(folder: Path) -> Reconstruction:
    K, images = np.loadtxt(folder / "K_half.txt"), {}
    for key, path in enumerate(sorted((folder / "cameras").iterdir()), 1):
        numbers = np.array(path.read_text().split(), float)
        R = nearest_rotation(numbers[12:21].reshape(3, 3).T)  # the file has camera-to-world
        images[key] = fastcv.Image(path.name.removesuffix(".camera"), 1, np.c_[R, -R @ numbers[21:24]])
    return Reconstruction({1: pinhole(K, 1536, 1024)}, images)


def temple(folder: Path, count: int) -> Reconstruction:
    """The first of the views."""
    images = {}
    for line in (folder / "templeR_par.txt").read_text().splitlines()[1:]:
        name, *words = line.split()
        K, R, t = np.split(np.array(words, float), [9, 18])
        if (folder / name).exists():
            images[int(name[7:11])] = fastcv.Image(name, 1, np.c_[nearest_rotation(R.reshape(3, 3)), t])
    return Reconstruction({1: pinhole(K.reshape(3, 3), 640, 480)}, dict(list(images.items())[:count]))


def pinhole(K: np.ndarray, width: int, height: int) -> fastcv.Camera:
    """The data's K counts from the first pixel's centre."""
    return fastcv.Camera("PINHOLE", width, height, np.array([K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5]))


def nearest_rotation(R: np.ndarray) -> np.ndarray:
    """Files hold rotations to five digits."""
    U, _, Vt = np.linalg.svd(R)
    return U @ Vt
