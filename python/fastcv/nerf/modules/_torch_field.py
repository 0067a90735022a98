# SPDX-License-Identifier: Apache-2.0
"""What the fields that are sampled along rays have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

# From the densities (N,) of points, the (K,) numbers of those worth a colour; None: all of them.
Choose = Callable[[Tensor], "Tensor | None"]


class Shaded(NamedTuple):
    """What points look like.

    Parameters
    ----------
    densities : (K,) tensor
        Per side of the unit cube.
    colors : (K, 3) tensor
        In [0, 1].
    kept : (K,) int64 tensor or None
        Which of the points they are; None for all.
    """

    densities: Tensor
    colors: Tensor
    kept: Tensor | None
