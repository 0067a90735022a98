# SPDX-License-Identifier: Apache-2.0
"""File formats: COLMAP, BAL, PLY, PFM, photographs. Whole files or errors that say where they are broken."""

from __future__ import annotations

from ._atomic import atomic_directory, atomic_write
from .bal import BalProblem, read_bal, write_bal
from .colmap import read_colmap, write_colmap

__all__ = ["BalProblem", "atomic_directory", "atomic_write", "read_bal", "read_colmap", "write_bal", "write_colmap"]
