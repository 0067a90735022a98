# SPDX-License-Identifier: Apache-2.0
"""The ways to carve a scene: which is chosen, what each leaves of a known object, and what it says where it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fastcv import io, pipeline, synthetic, voxels
from fastcv.pipeline import CarveError, CarveOptions, FuseError, OptionsError

from .test_fuse_depths import NAMES, write_sequence

BOUNDS = (-0.9, -0.9, -0.3, 0.9, 0.9, 1.3)


@pytest.fixture(scope="module")
def data() -> synthetic.Dataset:
    """Eight views of an object on all sides, 160 x 120."""
    return synthetic.make_dataset("object", num_views=8, width=160, height=120, num_points=50, camera_model="PINHOLE")


@pytest.fixture(scope="module")
def scene(data: synthetic.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("object")
    synthetic.write_dataset(data, folder / "data")
    for source, target in (("truth/sparse", "sparse"), ("photos", "images"), ("truth/mask", "masks")):
        shutil.copytree(folder / "data" / source, folder / "scene" / target)
    return folder / "scene"


def options(**more: object) -> CarveOptions:
    return CarveOptions(**{"voxel_size": 0.04, "bounds": BOUNDS, "colors": False, **more})


def left(out: Path) -> np.ndarray:
    """(Z, Y, X) the voxels that a run left."""
    with np.load(out / "hull.npz") as hull:
        grid = voxels.VoxelGrid(hull["origin"], float(hull["voxel_size"]), tuple(hull["shape"].tolist()))
        return voxels.Occupancy(grid, hull["states"], hull["bits"]).to_dense()


def test_what_the_scene_has_decides(scene: Path, data: synthetic.Dataset, tmp_path: Path) -> None:
    def method(source: Path, **more: object) -> object:
        return pipeline.carve_scene(source, tmp_path / "out", options(voxel_size=0.1, **more)).options["method"]

    assert method(scene, colors=True) == "photos"
    assert method(scene) == "silhouettes"
    (tmp_path / "sequence").mkdir()
    write_sequence(data, tmp_path / "sequence", range(8))
    assert method(tmp_path / "sequence") == "depths"


def test_a_guess_in_a_soft_mask_takes_nothing_away(scene: Path, data: synthetic.Dataset, tmp_path: Path) -> None:
    """Half of one mask is unknown: as a silhouette it takes what it does not show."""
    own = Path(shutil.copytree(scene, tmp_path / "own"))
    path = own / "masks" / "object_002.png"
    mask = np.where(data.masks[2], np.uint8(250), np.uint8(5))
    mask[:, 80:] = 120
    io.write_image(path, mask)
    strict, soft = options(max_violations=0), options(max_violations=0, method="soft-masks")
    pipeline.carve_scene(scene, tmp_path / "all", strict)
    pipeline.carve_scene(own, tmp_path / "hard", strict)
    summary = pipeline.carve_scene(own, tmp_path / "soft", soft)
    hull = left(tmp_path / "all")
    assert np.mean(left(tmp_path / "hard")[hull]) < 0.7
    assert np.mean(left(tmp_path / "soft")[hull]) > 0.97  # a voxel at the rim is half background in some masks
    # Without that half there are places that only seven views speak of.
    assert left(tmp_path / "soft").sum() < 1.2 * hull.sum()
    assert set(np.unique(io.read_photo(tmp_path / "soft" / "masks" / "object_002.jpg.png"))) == {5, 120, 250}
    assert summary.views["object_002.jpg"]["foreground"] == pytest.approx(np.mean(data.masks[2][:, :80]) / 2, abs=1e-6)


def test_masks_of_zeros_and_ones_are_probabilities_too(scene: Path, data: synthetic.Dataset, tmp_path: Path) -> None:
    own = Path(shutil.copytree(scene, tmp_path / "own"))
    for row in range(8):
        io.write_image(own / "masks" / f"object_{row:03d}.png", data.masks[row].astype(np.uint8))
    pipeline.carve_scene(own, tmp_path / "ones", options(method="soft-masks"))
    pipeline.carve_scene(scene, tmp_path / "bytes", options(method="soft-masks"))
    np.testing.assert_array_equal(left(tmp_path / "ones"), left(tmp_path / "bytes"))


def test_depth_maps_leave_less_than_silhouettes(scene: Path, data: synthetic.Dataset, tmp_path: Path) -> None:
    """With masks, depth maps take what silhouettes take, and what they look through besides."""
    (tmp_path / "sequence").mkdir()
    write_sequence(data, tmp_path / "sequence", range(8))
    (tmp_path / "masks").mkdir()
    for row in range(8):
        io.write_image(tmp_path / "masks" / f"{NAMES[row]}.png", np.where(data.masks[row], 255, 0).astype(np.uint8))
    depths = options(method="depths", max_violations=0)
    pipeline.carve_scene(tmp_path / "sequence", tmp_path / "depths", depths, masks=tmp_path / "masks")
    pipeline.carve_scene(scene, tmp_path / "hull", options(max_violations=0))
    by_depth, by_masks = left(tmp_path / "depths"), left(tmp_path / "hull")
    assert np.mean(by_masks[by_depth]) > 0.999  # an unknown depth within a mask takes nothing away
    assert by_depth.sum() < 0.98 * by_masks.sum()
    # No true point of the surface is gone: each lies in a voxel that is left, or beside one.
    grown = by_depth.copy()
    for axis in range(3):
        grown |= np.roll(grown, 1, axis) | np.roll(grown, -1, axis)
    with np.load(tmp_path / "depths" / "hull.npz") as hull:
        origin = hull["origin"]
    rows, columns = np.nonzero(data.depths[0] > 0)
    K, image = data.reconstruction.cameras[1].matrix, data.reconstruction.images[1]
    rays = np.linalg.solve(K, np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))]))
    points = (rays * data.depths[0][rows, columns]).T
    at = np.floor(((points - image.translation) @ image.rotation - origin) / 0.04).astype(int)[:, ::-1]
    inside = ((at >= 0) & (at < grown.shape)).all(1)
    assert inside.mean() > 0.9
    assert np.mean(grown[tuple(at[inside].T)]) > 0.999


def test_the_box_of_depth_maps(data: synthetic.Dataset, tmp_path: Path) -> None:
    (tmp_path / "sequence").mkdir()
    write_sequence(data, tmp_path / "sequence", range(8))
    summary = pipeline.carve_scene(tmp_path / "sequence", tmp_path / "out", CarveOptions(resolution=48))
    low, high = np.array(summary.volume["bounds"])
    vertices = io.read_mesh(tmp_path / "out" / "mesh.glb").vertices
    around = 2 * summary.volume["voxel_size"]  # the grid is larger by one and a part of one
    assert (vertices.min(0) >= low - around).all()
    assert (vertices.max(0) <= high + around).all()
    assert vertices.shape[0] > 1000
    assert np.mean([facts["missing"] for facts in summary.views.values()]) < 0.05


def test_scenes_that_lack_what_a_method_needs(scene: Path, data: synthetic.Dataset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(OptionsError, match="method: expected one of silhouettes, photos, soft-masks, depths, got 'x'"):
        CarveOptions(method="x")
    with pytest.raises(FuseError, match="expected a run folder of mvs or reconstruct, COLMAP's dense workspace or an"):
        pipeline.carve_scene(scene, out, options(method="depths"))
    with pytest.raises(OptionsError, match="cameras: expected none with depths, which have cameras of their own"):
        pipeline.carve_scene(scene, out, options(method="depths"), cameras=scene / "sparse")
    with pytest.raises(OptionsError, match="method: photos expects two photographs or more, found fewer"):
        pipeline.carve_scene(scene, out, options(method="photos"), images=scene / "masks")
    bare = Path(shutil.copytree(scene, tmp_path / "bare", ignore=shutil.ignore_patterns("masks")))
    with pytest.raises(OptionsError, match=r"method: soft-masks expects masks with grey levels; .* has no"):
        pipeline.carve_scene(bare, out, options(method="soft-masks", background="black"))
    with pytest.raises(OptionsError, match=r"background: expected a colour, such as black, or masks; .* has"):
        pipeline.carve_scene(bare, out, options())
    (tmp_path / "sequence").mkdir()
    write_sequence(data, tmp_path / "sequence", range(3))
    with pytest.raises(CarveError, match=r"masks: expected masks with the names of depth maps, such as 000, found"):
        pipeline.carve_scene(tmp_path / "sequence", out, options(method="depths"), masks=scene / "masks")
    far = options(method="depths", bounds=(-3, -3, 5, 3, 3, 6), max_violations=0)
    with pytest.raises(CarveError, match="the views leave nothing: all but 0 of the depth maps look through every"):
        pipeline.carve_scene(tmp_path / "sequence", out, far)
    few = options(method="soft-masks", max_memory="300M", voxel_size=0.004)
    with pytest.raises(OptionsError, match=r"max_memory: expected \d+M or more for 452 × 452 × 402 voxels, got 300M"):
        pipeline.carve_scene(scene, out, few)
