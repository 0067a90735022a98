# SPDX-License-Identifier: Apache-2.0
"""Where a sampler stands: nothing of it is hidden, so it can be sliced, saved and taken up again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import is_torch


def to_numpy(array: Any) -> NDArray[Any]:
    """A copy of an array of any framework."""
    if is_torch(array):
        return array.detach().cpu().numpy().copy()
    return array.get() if hasattr(array, "get") else np.array(array)


def dense(array: Any) -> Any:
    """The array, copied where it is not C-contiguous (a network's output in channels-last order is not)."""
    if is_torch(array):
        return array.contiguous()
    return array if array.flags.c_contiguous else array.copy(order="C")


def like(array: Any, values: NDArray[Any]) -> Any:
    """Values in the framework and on the device of the array."""
    return array.new_tensor(values) if is_torch(array) else type_of(array)(values)


def type_of(array: Any) -> Any:
    """The function that makes arrays of this kind."""
    if type(array).__module__.startswith("cupy"):
        import cupy

        return cupy.array
    return np.array


@dataclass
class SamplerState:
    """The arrays of a batch of samples on their way, and how far they are.

    Attributes
    ----------
    arrays : dict of (B, ...) arrays
        ``"x"``, the samples, and what the solver remembers of earlier steps.
    position : int
        The stage of the sampler's table that comes next.
    seed : int
        Of the noise.
    sample_ids : (B,) int64 array
        Who the samples are: noise depends on it, not on the place in the batch.
    rows : (B,) int64 array
        The row of the sampler's grid that each sample follows.
    digest : str
        Of the table; another sampler refuses the state.
    """

    arrays: dict[str, Any]
    position: int
    seed: int
    sample_ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    digest: str
    prepared: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def x(self) -> Any:
        """The samples as they are now: the very array that the sampler works on."""
        return self.arrays["x"]

    @property
    def failed(self) -> NDArray[np.bool_]:
        """(B,): the samples that hold a NaN or an infinity. Others in the batch do not suffer from them."""
        size = int(np.prod(self.x.shape[1:]))
        x = self.x.reshape(len(self.sample_ids), size)
        return ~to_numpy(((x - x) == 0).all(1))

    def __getitem__(self, index: Any) -> SamplerState:
        """Some of the samples, copied: a slice, a mask or a list of places."""
        places = np.atleast_1d(np.arange(len(self.sample_ids))[index])
        arrays = {name: array[like(array, places)] for name, array in self.arrays.items()}
        return SamplerState(arrays, self.position, self.seed, self.sample_ids[places], self.rows[places], self.digest)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state as an .npz file."""
        arrays = {f"array_{name}": to_numpy(array) for name, array in self.arrays.items()}
        with open(path, "wb") as file:
            np.savez(
                file,
                position=self.position,
                seed=np.uint64(self.seed),
                sample_ids=self.sample_ids,
                rows=self.rows,
                digest=self.digest,
                **arrays,  # type: ignore[arg-type]
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str], like_array: Any = None) -> SamplerState:
        """Read a state, as numpy arrays or in the framework and on the device of ``like_array``."""
        with np.load(path, allow_pickle=False) as file:
            arrays = {
                name.removeprefix("array_"): file[name] if like_array is None else like(like_array, file[name])
                for name in file.files
                if name.startswith("array_")
            }
            return cls(
                arrays,
                int(file["position"]),
                int(file["seed"]),
                file["sample_ids"],
                file["rows"],
                str(file["digest"]),
            )
