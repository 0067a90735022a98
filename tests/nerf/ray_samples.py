# SPDX-License-Identifier: Apache-2.0
"""Samples along rays for the tests of volume rendering."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Samples(NamedTuple):
    densities: np.ndarray
    colors: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray


def make(counts, channels=3, seed=0) -> Samples:
    """Rays with these numbers of samples: gaps between them, a third empty, some of it fog and some a wall."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    size = int(offsets[-1])
    densities = rng.exponential(1.0, size) * 10.0 ** rng.integers(-2, 2, size)
    densities[rng.random(size) < 0.3] = 0
    first = np.repeat(offsets[:-1], counts)
    edges = np.cumsum(rng.uniform(0.01, 0.1, size))
    starts = edges - (edges[first] if size else 0) + 0.5
    ends = starts + rng.uniform(0.005, 0.01, size)
    return Samples(densities, rng.random((size, channels)), starts, ends, offsets)


def cast(samples, dtype) -> Samples:
    return Samples(*(array.astype(dtype) for array in samples[:4]), samples.offsets)
