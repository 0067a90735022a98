# SPDX-License-Identifier: Apache-2.0
"""Intermediate results as files of named arrays (npz), written whole or not at all, and never unpickled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import io
from ..features import Features
from ..sfm import TwoViewGeometry

Arrays = dict[str, NDArray]


def save_arrays(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """Write arrays; folders on the way are made. Not compressed: descriptors hardly shrink."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with io.atomic_write(path) as file:
        np.savez(file, **dict[str, Any](arrays))


def load_arrays(path: Path) -> Arrays:
    """What ``save_arrays`` wrote."""
    # A file of our own: NumPy leaves its one open where the archive is damaged.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def save_features(path: Path, features: Features) -> None:
    """Write the features of one photograph."""
    save_arrays(path, vars(features))


def load_features(path: Path) -> Features:
    """What ``save_features`` wrote."""
    return Features(**load_arrays(path))


def save_geometries(path: Path, pairs: Mapping[str, TwoViewGeometry]) -> None:
    """Write the verified pairs of one photograph with others, by their names."""
    values = list(pairs.values())
    save_arrays(
        path,
        {
            "names": np.array(list(pairs), dtype=np.str_),
            "kinds": np.array([pair.kind for pair in values], dtype=np.str_),
            "ends": np.cumsum([len(pair.matches) for pair in values], dtype=np.int64),
            "matches": np.concatenate([np.empty((0, 2), np.int32), *(pair.matches for pair in values)]),
            "cam2_from_cam1": _stack([pair.cam2_from_cam1 for pair in values], (3, 4)),
            "F": _stack([pair.F for pair in values], (3, 3)),
            "triangulation_angles": np.array([pair.triangulation_angle for pair in values], np.float64),
        },
    )


def load_geometries(path: Path) -> dict[str, TwoViewGeometry]:
    """What ``save_geometries`` wrote."""
    stored = load_arrays(path)
    matches = np.split(stored["matches"], stored["ends"])
    return {
        name: TwoViewGeometry(
            kind=stored["kinds"][row].item(),
            matches=matches[row],
            cam2_from_cam1=_or_none(stored["cam2_from_cam1"][row]),
            F=_or_none(stored["F"][row]),
            triangulation_angle=stored["triangulation_angles"][row].item(),
        )
        for row, name in enumerate(stored["names"].tolist())
    }


def _stack(matrices: Sequence[NDArray | None], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Matrices as one array, NaN for None."""
    missing = np.full(shape, np.nan)
    return np.array([missing if matrix is None else matrix for matrix in matrices]).reshape(-1, *shape)


def _or_none(matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
    return None if np.isnan(matrix).any() else matrix
