# SPDX-License-Identifier: Apache-2.0
"""``fastcv demo``: photographs of a synthetic courtyard, reconstructed and compared with the truth."""

from __future__ import annotations

import json as json_module
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from numpy.typing import NDArray

from ..scene import Reconstruction
from .progress import show_progress
from .reconstruct import print_summary

# The photographs, and what must come out.
SCENE, NUM_VIEWS, WIDTH, HEIGHT, SEED = "courtyard", 14, 1024, 768, 0
MAX_ROTATION_DEG, MAX_CENTER_SHARE = 0.1, 0.005
MAX_DEPTH_ERROR, MIN_DEPTH_SHARE = 0.02, 0.9


@dataclass(frozen=True)
class Comparison:
    """How far a reconstruction is from the truth.

    Parameters
    ----------
    num_registered, num_photos : int
    rotation_deg : float
        Largest angle between a recovered and a true orientation, after the best similarity.
    center_share : float
        Largest distance between a recovered and a true projection centre over the size of the scene.
    depth_share : float
        Share of the pixels with a recovered and a true depth where the two differ by at most 2 %.
    depth_coverage : float
        Share of the pixels with a true depth that have a recovered one.
    """

    num_registered: int
    num_photos: int
    rotation_deg: float
    center_share: float
    depth_share: float
    depth_coverage: float

    @property
    def ok(self) -> bool:
        """Whether every bar is met."""
        return (
            self.num_registered == self.num_photos
            and self.rotation_deg <= MAX_ROTATION_DEG
            and self.center_share <= MAX_CENTER_SHARE
            and self.depth_share >= MIN_DEPTH_SHARE
        )


def demo(
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("out/demo"),
    json: bool = False,
) -> int:
    """Reconstruct photographs of a synthetic courtyard and compare the result with the truth.

    The photographs are made by code, with EXIF as a camera writes it. Fails (exit code 1) where the recovered cameras
    are more than 0.1 degrees or 0.5 % of the scene's size off, or fewer than 90 % of the depths within 2 %.

    Args:
        out: Folder for photographs, truth and reconstruction.
        json: Print the numbers as one JSON object on standard output; progress goes to standard error.
    """
    from .. import pipeline

    _refuse_foreign(out)
    _make_photos(out / SCENE)
    with show_progress(pipeline.STAGES) as progress:
        summary = pipeline.reconstruct(out / SCENE / "photos", out / "reconstruction", progress=progress)
    result = compare(out / SCENE / "truth", out / "reconstruction", summary.num_photos)
    if json:
        print(json_module.dumps({"ok": result.ok, "comparison": asdict(result), "summary": asdict(summary)}))
    else:
        print_summary(summary)
        _print(result)
    return 0 if result.ok else 1


def _make_photos(scene: Path) -> None:
    """Render the photographs, unless those of the same scene are there already."""
    from .. import __version__, io, synthetic
    from ..pipeline import Progress

    settings = json_module.dumps([__version__, SCENE, NUM_VIEWS, WIDTH, HEIGHT, SEED])
    if (scene / "settings.json").exists() and (scene / "settings.json").read_text() == settings:
        return
    with show_progress(["render"]) as progress:
        progress(Progress("render", 0, NUM_VIEWS, 0.0))
        start = time.perf_counter()
        dataset = synthetic.make_dataset(
            SCENE,
            num_views=NUM_VIEWS,
            width=WIDTH,
            height=HEIGHT,
            seed=SEED,
            progress=lambda done, total: progress(Progress("render", done, total, time.perf_counter() - start)),
        )
    scene.parent.mkdir(parents=True, exist_ok=True)
    with io.atomic_directory(scene) as folder:
        synthetic.write_dataset(dataset, folder)
        (folder / "settings.json").write_text(settings)


def _refuse_foreign(out: Path) -> None:
    """Raise FileExistsError unless ``out`` is missing, empty or an earlier demo's; clean up after a killed one."""
    entries = list(out.iterdir()) if out.is_dir() else []
    others = [entry.name for entry in entries if not entry.match(".fastcv-*.tmp")]
    if others and not (out / SCENE / "settings.json").exists():
        raise FileExistsError(f"{out}: expected an empty folder or that of an earlier demo, found {others[0]} in it")
    for entry in entries:
        if entry.match(".fastcv-*.tmp"):
            shutil.rmtree(entry)


def compare(truth: Path, run: Path, num_photos: int) -> Comparison:
    """Compare a run folder with the truth that ``synthetic.write_dataset`` wrote."""
    from .. import io, sfm

    model, true = io.read_colmap(run / "sparse" / "0"), io.read_colmap(truth / "sparse")
    poses = {image.name: image.cam_from_world for image in true.images.values()}
    errors = sfm.compare_poses(model, poses)
    size = np.linalg.norm(np.ptp([image.center for image in true.images.values()], axis=0))
    pinholes = io.read_colmap(run / "depth" / "cameras")
    close = known = expected = 0
    for image_id, image in pinholes.images.items():
        depth = io.read_pfm(run / "depth" / f"{image.name}.pfm") * errors.similarity.scale
        reference = _true_depth(truth, model, pinholes, image_id)
        valid = (depth > 0) & (reference > 0)
        close += int((np.abs(depth - reference)[valid] <= MAX_DEPTH_ERROR * reference[valid]).sum())
        known += int(valid.sum())
        expected += int((reference > 0).sum())
    return Comparison(
        num_registered=len(model.images),
        num_photos=num_photos,
        rotation_deg=float(errors.rotation.max()),
        center_share=float(errors.center.max() / size),
        depth_share=close / max(known, 1),
        depth_coverage=known / max(expected, 1),
    )


def _true_depth(truth: Path, recovered: Reconstruction, pinholes: Reconstruction, image_id: int) -> NDArray[np.float32]:
    """True depth where the pixels of a depth map lie in the photograph as it was taken; 0 outside and for none.

    A depth map has no distortion, and its camera is the recovered one: its pixels are carried into the photograph by
    the recovered cameras, where the true depth of the nearest pixel is read.
    """
    from .. import camera as camera_room
    from .. import io

    image, pinhole = recovered.images[image_id], pinholes.cameras[pinholes.images[image_id].camera_id]
    y, x = np.mgrid[: pinhole.height, : pinhole.width] + 0.5
    rays = camera_room.unproject(np.stack([x.ravel(), y.ravel()], axis=1), pinhole)
    pixels = camera_room.project(rays, recovered.cameras[image.camera_id])
    depth = io.read_pfm(truth / "depth" / f"{Path(image.name).stem}.pfm")
    column, row = np.floor(pixels).astype(np.int64).T
    inside = (column >= 0) & (row >= 0) & (column < depth.shape[1]) & (row < depth.shape[0])
    sampled = np.zeros(len(pixels), np.float32)
    sampled[inside] = depth[row[inside], column[inside]]
    return sampled.reshape(pinhole.height, pinhole.width)


def _print(result: Comparison) -> None:
    print(
        f"Against the truth: {result.num_registered} of {result.num_photos} cameras, "
        f"rotation within {result.rotation_deg:.4f}° (allowed {MAX_ROTATION_DEG}°), "
        f"place within {result.center_share:.3%} of the scene (allowed {MAX_CENTER_SHARE:.1%}), "
        f"depth within {MAX_DEPTH_ERROR:.0%} on {result.depth_share:.1%} of the recovered pixels "
        f"(asked {MIN_DEPTH_SHARE:.0%}), which are {result.depth_coverage:.0%} of the scene's."
    )
    print("All bars are met." if result.ok else "A bar is missed.")
