# SPDX-License-Identifier: Apache-2.0
"""Solid value noise from an integer hash: the same value for the same place and seed, at any resolution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Words = NDArray[np.uint32]

# Odd multipliers that spread three lattice coordinates over 32 bits (Teschner et al. 2003, and Knuth's 2^32 / phi).
_PRIMES = (np.uint32(73856093), np.uint32(19349663), np.uint32(2654435761))


def _hash(x: Words, y: Words, z: Words, seed: int) -> Words:
    """Mix lattice coordinates that were already multiplied by ``_PRIMES`` (they broadcast) into one random word."""
    words = x ^ y ^ z ^ np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)
    # Integer finaliser "lowbias32" of Chris Wellons (2018): every input bit flips every output bit half of the time.
    words ^= words >> np.uint32(16)
    words *= np.uint32(0x7FEB352D)
    words ^= words >> np.uint32(15)
    words *= np.uint32(0x846CA68B)
    words ^= words >> np.uint32(16)
    return words


def hash_cells(cells: NDArray[np.int32], seed: int) -> Words:
    """One random word for each integer cell: (N, 3) int32 to (N,) uint32."""
    x, y, z = (column.view(np.uint32) * prime for column, prime in zip(cells.T, _PRIMES, strict=True))
    return _hash(x, y, z, seed)


def uniform(words: Words, low_half: bool = False) -> Floats:
    """The upper (or lower) 16 bits of each word as float32 in [0, 1)."""
    half = words & np.uint32(0xFFFF) if low_half else words >> np.uint32(16)
    return half.view(np.int32).astype(np.float32) * np.float32(2.0**-16)


def value_noise(points: Floats, seed: int, num_fields: int = 1) -> list[Floats]:
    """Smooth random fields whose features are about one unit large.

    Random values on the integer lattice, blended along each axis by Perlin's fade 3 t^2 - 2 t^3 (Perlin 1985).

    Parameters
    ----------
    points : (N, 3) float32 array
        Positions in units of the lattice, below 2**20 in magnitude. Fastest in Fortran order.
    seed : int
    num_fields : int
        1 or 2 independent fields from the same hash.

    Returns
    -------
    list of (N,) float32 arrays in [0, 1)
    """
    lattice, weights = [], []
    for column, prime in zip(points.T, _PRIMES, strict=True):
        corner = np.floor(column)
        fraction = column - corner
        low = corner.astype(np.int32).view(np.uint32) * prime
        lattice.append(np.stack([low, low + prime]))
        weights.append(fraction * fraction * (np.float32(3) - np.float32(2) * fraction))
    x, y, z = lattice
    words = _hash(x[:, None, None], y[None, :, None], z[None, None, :], seed)
    fields = []
    for low_half in (False, True)[:num_fields]:
        values = uniform(words, low_half)
        for weight in weights:
            values = values[0] + weight * (values[1] - values[0])
        fields.append(values)
    return fields
