# SPDX-License-Identifier: Apache-2.0
"""What the functions of the ode room ask of their arguments."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._arrays import Call, dtype_name, framework, is_torch

STATES = ("float64", "float32", "float16", "bfloat16")


def contiguous(array: Any) -> bool:
    """Whether the array is C-contiguous, in any framework."""
    return array.is_contiguous() if is_torch(array) else array.flags.c_contiguous


def address(array: Any) -> int:
    """Where the array's first element lies."""
    if is_torch(array):
        return array.data_ptr()
    if framework(array) == "cupy":
        return array.data.ptr
    return array.__array_interface__["data"][0]


def check_state(call: Call, name: str, array: Any, shape: Sequence[int | str | None]) -> Any:
    """An array of samples: floating, without a gradient that would be lost. A list becomes a numpy array."""
    if getattr(array, "requires_grad", False):
        raise TypeError(f"{name}: expected a tensor without gradient, got one that requires it: detach it")
    if framework(array) == "jax":
        raise TypeError(f"{name}: expected a numpy, torch or CuPy array, got a JAX array")
    return call.input(name, array, shape, STATES)


def check_overlap(inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
    """Raise where an output shares memory with another output, or with an input that is not that very array."""
    places = {name: (address(a), address(a) + a.nbytes, dtype_name(a)) for name, a in (inputs | outputs).items()}
    for name in outputs:
        first, last, dtype = places[name]
        for other, (begin, end, its_dtype) in places.items():
            apart = name == other or last <= begin or end <= first
            same = other in inputs and (first, dtype) == (begin, its_dtype)
            if not apart and not same:
                raise ValueError(f"{name}: expected memory of its own or all of an input, got part of that of {other}")


def check_seed(seed: int) -> int:
    """The seed as 64 bits."""
    if not 0 <= operator.index(seed) < 1 << 64:
        raise ValueError(f"seed: expected 0 to 2^64 - 1, got {seed}")
    return operator.index(seed)


def check_number(step: int) -> int:
    """The number of a step as 32 bits."""
    if not 0 <= operator.index(step) < 1 << 32:
        raise ValueError(f"number: expected 0 to 2^32 - 1, got {step}")
    return operator.index(step)


def check_sample_ids(sample_ids: Any, samples: int) -> np.ndarray:
    """(B,) int64; None is 0 to B - 1."""
    if sample_ids is None:
        return np.arange(samples)
    ids = np.asarray(sample_ids)
    if ids.shape != (samples,):
        raise ValueError(f"sample_ids: expected shape ({samples},), got {ids.shape}")
    if not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"sample_ids: expected integers, got {ids.dtype}")
    return np.ascontiguousarray(ids, np.int64)
