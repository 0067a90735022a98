# SPDX-License-Identifier: Apache-2.0
"""COLMAP databases against pycolmap, and damaged ones."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from fastcv import FormatError
from fastcv.io import read_colmap_database


@pytest.fixture
def path(rig_model: tuple[pycolmap.Reconstruction, Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(rig_model[1], tmp_path / "database.db"))


def edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_same_as_pycolmap(path: Path) -> None:
    ours, theirs = read_colmap_database(path), pycolmap.Database.open(path)
    images = theirs.read_all_images()
    assert {key: (image.name, image.camera_id) for key, image in ours.images.items()} == {
        image.image_id: (image.name, image.camera_id) for image in images
    }
    cameras = theirs.read_all_cameras()
    assert sorted(ours.cameras) == [camera.camera_id for camera in cameras] == [1, 2, 3, 4]
    for camera in cameras:
        mine = ours.cameras[camera.camera_id]
        assert (mine.model, mine.width, mine.height) == (camera.model.name, camera.width, camera.height)
        assert mine.has_prior_focal_length == camera.has_prior_focal_length
        np.testing.assert_array_equal(mine.params, camera.params)
    for image in images:
        np.testing.assert_array_equal(ours.keypoints[image.image_id], theirs.read_keypoints(image.image_id)[:, :2])
        expected = theirs.read_descriptors(image.image_id).data
        np.testing.assert_array_equal(ours.descriptors[image.image_id], expected)
        assert expected.shape == (15, 128)
    pairs = [(a.image_id, b.image_id) for a in images for b in images if a.image_id < b.image_id]
    assert list(ours.matches) == list(ours.two_view_geometries) == pairs
    for pair in pairs:
        np.testing.assert_array_equal(ours.matches[pair], theirs.read_matches(*pair))
        mine, other = ours.two_view_geometries[pair], theirs.read_two_view_geometry(*pair)
        assert mine.config == int(other.config)
        np.testing.assert_array_equal(mine.inlier_matches, other.inlier_matches)
        for matrix in ("F", "E", "H"):
            assert (getattr(mine, matrix) is None) == (getattr(other, matrix) is None)
            np.testing.assert_array_equal(getattr(mine, matrix), getattr(other, matrix))
        np.testing.assert_allclose(mine.cam2_from_cam1, other.cam2_from_cam1.matrix(), atol=1e-14)
    theirs.close()


def test_descriptors_can_be_left_out(path: Path) -> None:
    database = read_colmap_database(path, descriptors=False)
    assert database.descriptors == {}
    assert len(database.keypoints) == 8


def test_new_database_is_empty(tmp_path: Path) -> None:
    pycolmap.Database.open(tmp_path / "new.db").close()
    database = read_colmap_database(tmp_path / "new.db")
    assert (database.cameras, database.images, database.matches) == ({}, {}, {})


def test_reading_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    read_colmap_database(path)
    assert path.read_bytes() == before
    with pytest.raises(FileNotFoundError, match="expected a COLMAP database, got no file"):
        read_colmap_database(path.with_name("missing.db"))
    assert not path.with_name("missing.db").exists()


def test_old_layout(path: Path) -> None:
    """COLMAP 3.0 had no type of descriptors, no rigs and no poses or matrices of pairs."""
    edit(
        path,
        "ALTER TABLE descriptors DROP COLUMN type",
        *(f"ALTER TABLE two_view_geometries DROP COLUMN {name}" for name in ("qvec", "tvec", "F", "E", "H")),
        "DROP TABLE frame_data",
        "DROP TABLE frames",
    )
    geometry = read_colmap_database(path).two_view_geometries[1, 2]
    assert (geometry.F, geometry.cam2_from_cam1) == (None, None)
    assert geometry.inlier_matches.shape == (12, 2)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP TABLE matches", "expected a table matches, got none"),
        ("ALTER TABLE matches RENAME COLUMN rows TO lines", "table matches: expected columns .* got no rows"),
        ("UPDATE cameras SET model = 18", "camera 1: expected a model that fastcv has, got number 18"),
        ("UPDATE cameras SET model = 'x'", "camera 1: expected a model that fastcv has, got number 'x'"),
        ("UPDATE cameras SET width = 0", "camera 1: width, height: expected positive"),
        ("UPDATE cameras SET width = 'wide'", "camera 1: .*not supported between"),
        ("UPDATE cameras SET params = x'00'", "camera 1: expected 1 × 4 values of float64, got 1 bytes"),
        ("UPDATE images SET camera_id = 77", "image 1: expected a camera's id, got 77"),
        ("UPDATE images SET name = x'00' WHERE image_id = 2", "image 2: expected a name"),
        ("UPDATE keypoints SET rows = 1152921504606846976", "keypoints of image 1: expected 1152921504606846976 × 6"),
        ("UPDATE keypoints SET rows = -1, cols = -15", "keypoints of image 1: expected -1 × -15 values"),
        ("UPDATE keypoints SET rows = 90, cols = 1", "keypoints of image 1: expected 2 or more finite columns"),
        ("UPDATE keypoints SET data = zeroblob(359) || x'7f'", "keypoints of image 1"),
        ("UPDATE keypoints SET data = 'text'", "keypoints of image 1: expected two sizes and bytes, got 15, 6, str"),
        ("UPDATE keypoints SET image_id = 99 WHERE image_id = 8", "keypoints: expected an image's id, got 99"),
        ("UPDATE descriptors SET image_id = 99 WHERE image_id = 8", "descriptors: expected an image's id, got 99"),
        ("UPDATE descriptors SET rows = 14", "descriptors of image 1: expected 14 × 128 values of uint8, got 1920"),
        ("UPDATE matches SET pair_id = -5 WHERE pair_id = 2147483649", "expected a pair's number, got -5"),
        ("UPDATE matches SET pair_id = 5 WHERE pair_id = 2147483649", "pair 5: expected two images' ids, got 0 and 5"),
        ("UPDATE matches SET rows = 8, cols = 3", r"matches of \(1, 2\): expected 2 columns, got 3"),
        (
            "UPDATE keypoints SET rows = 3, data = zeroblob(72)",
            r"matches of \(1, 2\): expected rows below 3 of image 1",
        ),
        ("UPDATE two_view_geometries SET F = x'0000'", "expected 3 × 3 values of float64, got 2 bytes"),
        ("UPDATE two_view_geometries SET qvec = zeroblob(32)", "expected a unit quaternion"),
        ("UPDATE two_view_geometries SET config = 'x'", "expected a configuration's number, got 'x'"),
    ],
)
def test_contradictions_are_named(path: Path, statement: str, message: str) -> None:
    edit(path, "PRAGMA ignore_check_constraints = ON", statement)
    with pytest.raises(FormatError, match=message):
        read_colmap_database(path)


def test_a_view_instead_of_a_table(path: Path) -> None:
    """It could compute without end."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    endless = f"{numbers} SELECT i pair_id, 0 rows, 0 cols, '' data FROM n"
    edit(path, "DROP TABLE matches", f"CREATE VIEW matches AS {endless}")
    with pytest.raises(FormatError, match="expected a table matches"):
        read_colmap_database(path)


def test_no_database(tmp_path: Path) -> None:
    for content in (b"", b"not a database, but long enough to have a header" * 10):
        (tmp_path / "a.db").write_bytes(content)
        with pytest.raises(FormatError, match=r"a\.db: expected a"):
            read_colmap_database(tmp_path / "a.db")


def test_damage(path: Path, survives_damage: Callable[..., None]) -> None:
    size = path.stat().st_size
    survives_damage(path, lambda: read_colmap_database(path), flips=0, lengths=range(0, size - 4096, size // 40))
    data = path.read_bytes()
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(40):
        damaged = np.frombuffer(data, np.uint8).copy()
        damaged[rng.integers(0, size, 2000)] = 255
        path.write_bytes(damaged.tobytes())
        try:
            read_colmap_database(path)
        except FormatError:
            refused += 1
    assert refused > 20
