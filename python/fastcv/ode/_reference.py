# SPDX-License-Identifier: Apache-2.0
"""The room's functions in numpy float64: slow and plain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WORD = np.uint64(0xFFFFFFFF)


def philox4x32(counter: Sequence[NDArray[np.uint64]], seed: int) -> list[NDArray[np.uint64]]:
    """Four words for each counter of four words. Source: Salmon et al. 2011, sec. 4.3."""
    c = [np.asarray(word, np.uint64) & WORD for word in counter]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        product0, product1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        high0, high1 = product0 >> np.uint64(32), product1 >> np.uint64(32)
        c = [high1 ^ c[1] ^ np.uint64(key[0]), product1 & WORD, high0 ^ c[3] ^ np.uint64(key[1]), product0 & WORD]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def normals(size: int, seed: int, sample_ids: NDArray[np.int64], number: int) -> Floats:
    """(B, size): block i of a sample gives elements 4 i to 4 i + 3, a pair from two words by Box & Muller."""
    ids = np.asarray(sample_ids, np.int64).astype(np.uint64)[:, None]
    block = np.arange((size + 3) // 4, dtype=np.uint64)[None]
    zero = np.zeros((len(ids), block.shape[1]), np.uint64)
    words = philox4x32(
        [block + zero, zero + np.uint64(number), (ids & WORD) + zero, (ids >> np.uint64(32)) + zero], seed
    )
    pairs = []
    for first, second in ((words[0], words[1]), (words[2], words[3])):
        radius = np.sqrt(-2 * np.log((first.astype(np.float64) + 0.5) / 2.0**32))
        angle = 2 * np.pi * second.astype(np.float64) / 2.0**32
        pairs += [radius * np.cos(angle), radius * np.sin(angle)]
    return np.stack(pairs, -1).reshape(len(ids), -1)[:, :size]


def step(
    inputs: Sequence[Any],
    coefficients: Any,
    noise: Any = None,
    earlier: Any = None,
    clip: Any = None,
    z: Floats | None = None,
) -> list[Floats]:
    """``ode.step`` on (B, D) arrays, the noise given as z."""
    B = len(inputs[0]) if inputs else len(z)  # type: ignore[arg-type]
    c = np.asarray(coefficients, np.float64)
    c = np.broadcast_to(c, (B, *c.shape[-2:]))
    outputs: list[Floats] = []
    for o in range(c.shape[1]):
        total = np.zeros((B, 1))
        for k, array in enumerate(inputs):
            total = total + c[:, o, k, None] * np.asarray(array, np.float64)
        if noise is not None:
            total = total + np.broadcast_to(noise, (B, c.shape[1]))[:, o, None] * z
        for p in range(o):
            if earlier is not None:
                e = np.broadcast_to(earlier, (B, c.shape[1], c.shape[1]))
                total = total + e[:, o, p, None] * outputs[p]
        outputs.append(total if clip is None else np.clip(total, -clip[o], clip[o]))
    return outputs


def error_norms(x: Floats, y: Floats, error: Floats, absolute: float, relative: float) -> Floats:
    """(B,): root mean square of error / (absolute + relative max(|x|, |y|))."""
    scaled = error / (absolute + relative * np.maximum(np.abs(x), np.abs(y)))
    return np.sqrt(np.mean(scaled**2, -1))


def dynamic_threshold(data: Floats, ratio: float, maximum: float = np.inf) -> tuple[Floats, Floats]:
    """Saharia et al. 2022, sec. 2.3, on (B, D) arrays."""
    thresholds = np.clip(np.quantile(np.abs(data), ratio, axis=1), 1, maximum)
    return np.clip(data, -thresholds[:, None], thresholds[:, None]) / thresholds[:, None], thresholds
