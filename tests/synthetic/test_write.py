# SPDX-License-Identifier: Apache-2.0
"""What is written is read back by the libraries of the field."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pycolmap
import pytest

from fastcv import MissingDependencyError
from fastcv.synthetic import Dataset, write_dataset


@pytest.fixture(scope="module")
def folder(turntable: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset") / "new" / "folder"
    write_dataset(turntable, folder)
    return folder


def test_photographs(folder: Path, turntable: Dataset) -> None:
    names = [image.name for image in turntable.reconstruction.images.values()]
    assert sorted(path.name for path in (folder / "photos").iterdir()) == names
    for name, truth in zip(names, turntable.images, strict=True):
        with PIL.Image.open(folder / "photos" / name) as picture:
            pixels = np.asarray(picture).astype(float)
        assert np.abs(pixels - truth).mean() < 3  # JPEG with colour at half resolution


def test_focal_length_as_colmap_reads_it(folder: Path, turntable: Dataset, tmp_path: Path) -> None:
    name = turntable.reconstruction.images[1].name
    expected = turntable.reconstruction.cameras[1].focal_length
    theirs = pycolmap.infer_camera_from_image(str(folder / "photos" / name))
    assert theirs.has_prior_focal_length
    np.testing.assert_allclose(theirs.mean_focal_length(), expected, rtol=0.03)  # whole millimetres, near 33
    write_dataset(turntable, tmp_path, exif=False)
    assert not pycolmap.infer_camera_from_image(str(tmp_path / "photos" / name)).has_prior_focal_length


def test_truth(folder: Path, turntable: Dataset) -> None:
    for row, image in enumerate(turntable.reconstruction.images.values()):
        stem = Path(image.name).stem
        depth = cv2.imread(str(folder / "truth" / "depth" / f"{stem}.pfm"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(depth, turntable.depths[row])
        mask = cv2.imread(str(folder / "truth" / "mask" / f"{stem}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, np.where(turntable.masks[row], 255, 0))
    model = pycolmap.Reconstruction(str(folder / "truth" / "sparse"))
    assert model.num_reg_images() == len(turntable.images)
    assert model.num_points3D() == len(turntable.reconstruction.points3D)
    assert model.compute_mean_reprojection_error() < 1e-9
    for image_id, image in turntable.reconstruction.images.items():
        np.testing.assert_allclose(model.images[image_id].projection_center(), image.center, atol=1e-12)


def test_without_pillow(turntable: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingDependencyError, match="photographs need Pillow"):
        write_dataset(turntable, tmp_path)
