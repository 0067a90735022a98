# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the io tests: a COLMAP model by pycolmap, and damage done to files in a repeatable way."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from fastcv import FormatError


@pytest.fixture(scope="session")
def rig_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[pycolmap.Reconstruction, Path]:
    """Two rigs of two cameras with two frames each, and its database."""
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_cameras_per_rig, options.num_frames_per_rig = 2, 2, 2
    options.num_points3D, options.num_points2D_without_point3D = 12, 3
    options.two_view_geometry_has_relative_pose = True
    pycolmap.set_random_seed(1)
    path = tmp_path_factory.mktemp("colmap") / "database.db"
    database = pycolmap.Database.open(path)
    model = pycolmap.synthesize_dataset(options, database)
    database.close()
    for point in model.points3D.values():
        point.color, point.error = np.array([1, 128, 255], np.uint8), 0.25
    return model, path


@pytest.fixture
def survives_damage() -> Callable[..., None]:
    """Truncate and flip bytes of a file: the reader may return or raise FormatError, nothing else."""

    def check(path: Path, read: Callable[[], object], *, flips: int, lengths: range | None = None) -> None:
        data = path.read_bytes()
        for length in range(len(data)) if lengths is None else lengths:
            path.write_bytes(data[:length])
            with pytest.raises(FormatError):
                read()
        rng = np.random.default_rng(7)
        refused = 0
        for _ in range(flips):
            damaged = bytearray(data)
            for position in rng.integers(0, len(data), rng.integers(1, 4)):
                damaged[position] = rng.integers(0, 256)
            path.write_bytes(damaged)
            try:
                read()
            except FormatError:
                refused += 1
        assert 20 * refused >= flips  # else the damage hit nothing that matters
        path.write_bytes(data)

    return check


@pytest.fixture
def full_disk() -> Callable[[int], contextmanager]:
    """A context in which no file can grow beyond a number of bytes: writing fails as on a full disk."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit
