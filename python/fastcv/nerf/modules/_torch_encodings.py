# SPDX-License-Identifier: Apache-2.0
"""Encodings without parameters."""

from __future__ import annotations

import torch
from torch import Tensor

from ..frequency import frequency_encoding
from ..spherical_harmonics import spherical_harmonics


class FrequencyEncoding(torch.nn.Module):
    """Sines and cosines of coordinates at octaves; see :func:`fastcv.nerf.frequency_encoding`.

    Parameters
    ----------
    dims : int
        Coordinates of a point.
    frequencies : int
        Octaves, 1 to 32.
    include_input : bool, optional
        Put the coordinates themselves before their waves.

    Attributes
    ----------
    window : float or None
        Octaves beyond it are faded out; raise it while training to go from coarse to fine.
    """

    def __init__(self, dims: int, frequencies: int, *, include_input: bool = False) -> None:
        super().__init__()
        self.dims, self.frequencies, self.include_input = dims, frequencies, include_input
        self.window: float | None = None

    @property
    def width(self) -> int:
        """Features of a point."""
        return self.dims * (2 * self.frequencies + self.include_input)

    def forward(self, points: Tensor) -> Tensor:
        """Features (..., width) of points (..., dims)."""
        flat = points.reshape(-1, self.dims)
        features = frequency_encoding(flat, self.frequencies, include_input=self.include_input, window=self.window)
        return features.reshape(*points.shape[:-1], self.width)

    def extra_repr(self) -> str:
        return f"dims={self.dims}, frequencies={self.frequencies}, include_input={self.include_input}"


class SphericalHarmonics(torch.nn.Module):
    """Real spherical harmonics of directions; see :func:`fastcv.nerf.spherical_harmonics`.

    Parameters
    ----------
    degree : int
        Bands, 1 to 8.
    """

    def __init__(self, degree: int) -> None:
        super().__init__()
        self.degree = degree

    @property
    def width(self) -> int:
        """Values of a direction."""
        return self.degree**2

    def forward(self, directions: Tensor) -> Tensor:
        """Values (..., width) of unit directions (..., 3)."""
        values = spherical_harmonics(directions.reshape(-1, 3), self.degree)
        return values.reshape(*directions.shape[:-1], self.width)

    def extra_repr(self) -> str:
        return f"degree={self.degree}"
