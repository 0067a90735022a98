# SPDX-License-Identifier: Apache-2.0
"""The description of a multiresolution hash grid, and how its table is laid out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

INDEXINGS = ("dense", "tiled", "hash")
INTERPOLATIONS = ("linear", "smoothstep")
FEATURES = (1, 2, 4, 8)
MAX_LEVELS = 32
MAX_RESOLUTION = 2**22  # beyond, single precision cannot tell where in a cell a point lies
_HASHED = 2  # of GridIndexing in cpp/nerf/hash_grid.h: dense, tiled, hashed
MAX_VALUES = 2**30  # of a level: entries are found by 32-bit numbers


def _check(name: str, value: Any, rule: str, holds: bool) -> None:
    if not holds:
        raise ValueError(f"{name}: expected {rule}, got {value}")


@dataclass(frozen=True)
class HashGrid:
    """Levels of ever finer grids over the unit box, with a feature vector at each vertex.

    Level l has ``scale = base_resolution * growth**l - 1`` cells along a side, vertices at ``(i - 0.5) / scale``, and
    ``ceil(scale) + 1`` of them along a side. A level with more vertices than its table has entries shares entries.

    Parameters
    ----------
    dims : int, optional
        Dimensions of points: 2, 3 or 4.
    levels : int, optional
        1 to 32.
    features : int, optional
        Features of each level: 1, 2, 4 or 8.
    log2_table_size : int, optional
        A level has at most 2 to this power entries where ``indexing`` is ``"hash"``: 3 to 30.
    base_resolution : int, optional
        Vertices along a side of the coarsest level.
    growth : float, optional
        Ratio of the resolutions of neighbouring levels, 1 or more. See :meth:`between`.
    indexing : str, optional
        ``"hash"``: levels that fit have an entry for each vertex, finer ones hash its coordinates. ``"tiled"``: levels
        have at most ``base_resolution ** dims`` entries, and vertices beyond take them again in turn. ``"dense"``: an
        entry for each vertex.
    interpolation : str, optional
        ``"linear"`` in each coordinate, or ``"smoothstep"``, whose gradient is continuous.

    Raises
    ------
    ValueError
        For a value that is not as described, more than 2^22 vertices along a side, or more than 2^30 values in a level.

    Notes
    -----
    The table is a (num_entries, features) array, level after level from ``offsets``. Its flat order, the number of
    entries (rounded up to a multiple of 8 before it is compared with the table's size), ``scale`` in single precision
    and the hash are those of tiny-cuda-nn's ``GridEncoding`` (its include/tiny-cuda-nn/encodings/grid.h and
    common_device.h), so that ``params.reshape(-1, features)`` of one is the table of the other.

    References
    ----------
    Müller et al. 2022, "Instant neural graphics primitives with a multiresolution hash encoding", section 3.

    Examples
    --------
    >>> from fastcv.nerf import HashGrid
    >>> grid = HashGrid.between(16, 2048, log2_table_size=19)
    >>> grid.resolutions[:6].tolist(), grid.sizes[:6].tolist()
    ([16, 23, 31, 43, 59, 81], [4096, 12168, 29792, 79512, 205384, 524288])
    >>> grid.width, grid.num_entries
    (32, 6098120)
    """

    dims: int = 3
    levels: int = 16
    features: int = 2
    log2_table_size: int = 19
    base_resolution: int = 16
    growth: float = 2.0
    indexing: str = "hash"
    interpolation: str = "linear"
    _levels: tuple[tuple[int, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check("dims", self.dims, "2, 3 or 4", self.dims in (2, 3, 4))
        _check("levels", self.levels, f"1 to {MAX_LEVELS}", 1 <= self.levels <= MAX_LEVELS)
        _check("features", self.features, "1, 2, 4 or 8", self.features in FEATURES)
        _check("log2_table_size", self.log2_table_size, "3 to 30", 3 <= self.log2_table_size <= 30)
        _check("base_resolution", self.base_resolution, "1 or more", self.base_resolution >= 1)
        _check("growth", self.growth, "a finite number of 1 or more", 1 <= self.growth < math.inf)
        _check("indexing", self.indexing, " or ".join(INDEXINGS), self.indexing in INDEXINGS)
        _check("interpolation", self.interpolation, " or ".join(INTERPOLATIONS), self.interpolation in INTERPOLATIONS)
        finest = self.base_resolution * self.growth ** (self.levels - 1)
        rule = f"a finest resolution of {MAX_RESOLUTION} or less"
        _check("growth", f"one of {finest:g}", rule, finest <= MAX_RESOLUTION)
        levels: list[tuple[int, ...]] = []
        for level in range(self.levels):
            offset, _, size, *_ = levels[-1] if levels else (0, 0, 0)
            levels.append((offset + size, *self._level(level)))
        largest = self.features * max(size for _, _, size, *_ in levels)
        _check("features", largest, f"{MAX_VALUES} values in a level or fewer", largest <= MAX_VALUES)
        object.__setattr__(self, "_levels", tuple(levels))

    @classmethod
    def between(cls, base_resolution: int, finest_resolution: int, *, levels: int = 16, **options: Any) -> HashGrid:
        """A grid whose coarsest and finest levels have these resolutions (Müller et al. 2022, eq. 3)."""
        _check(
            "finest_resolution", finest_resolution, f"{base_resolution} or more", finest_resolution >= base_resolution
        )
        growth = (finest_resolution / base_resolution) ** (1 / max(levels - 1, 1))
        return cls(levels=levels, base_resolution=base_resolution, growth=growth, **options)

    @property
    def width(self) -> int:
        """Features of a point: those of all levels."""
        return self.levels * self.features

    @property
    def num_entries(self) -> int:
        """Rows of the table."""
        offset, _, size, *_ = self._levels[-1]
        return offset + size

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(levels,) rows of the table at which levels begin."""
        return np.array([offset for offset, *_ in self._levels])

    @property
    def resolutions(self) -> NDArray[np.int64]:
        """(levels,) vertices along a side."""
        return np.array([resolution for _, resolution, *_ in self._levels])

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(levels,) entries of each level."""
        return np.array([size for _, _, size, *_ in self._levels])

    @property
    def hashed(self) -> NDArray[np.bool_]:
        """(levels,) whether a level's entries are found by a hash."""
        return np.array([kind == _HASHED for *_, kind, _ in self._levels])

    @property
    def scales(self) -> NDArray[np.float32]:
        """(levels,) cells along a side of the unit box."""
        return np.array([bits for *_, bits in self._levels], np.int32).view(np.float32)

    def initial_table(self, *, seed: int = 0, dtype: str = "float32") -> NDArray:
        """A new table, uniform in ±1e-4 (Müller et al. 2022, section 4)."""
        generator = np.random.Generator(np.random.Philox(seed))
        return generator.uniform(-1e-4, 1e-4, (self.num_entries, self.features)).astype(dtype)

    def numbers(self, max_level: int | None = None) -> list[int]:
        """What native code reads (cpp/bindings/nerf.h); levels from ``max_level`` on are inactive.

        Plain integers, which torch.compile can follow.
        """
        active = self.levels if max_level is None else max_level
        _check("max_level", max_level, f"0 to {self.levels}", 0 <= active <= self.levels)
        head = self.dims, self.features, active, int(self.interpolation == "smoothstep"), 0
        return [number for row in (head, *self._levels) for number in row]

    def packed(self, max_level: int | None = None) -> NDArray[np.int64]:
        """The same as rows of an array, kept for the next call."""
        kept = self.__dict__.setdefault("_packed", {})
        if max_level not in kept:
            kept[max_level] = np.array(self.numbers(max_level), np.int64).reshape(-1, 5)
        return kept[max_level]

    def _level(self, level: int) -> tuple[int, ...]:
        """Resolution, size, indexing and bits of the scale, in tiny-cuda-nn's arithmetic."""
        # In single precision step by step: its rounding decides the sizes of dense levels.
        steps = np.float32(level) * np.float32(math.log2(np.float32(self.growth)))
        scale = np.float32(2.0 ** float(steps)) * np.float32(self.base_resolution) - np.float32(1)
        resolution = math.ceil(scale) + 1
        vertices = resolution**self.dims
        aligned = (vertices + 7) // 8 * 8
        most = {"dense": aligned, "tiled": self.base_resolution**self.dims, "hash": 2**self.log2_table_size}
        size = min(aligned, most[self.indexing])
        kind = _HASHED if self.indexing == "hash" and vertices > size else int(self.indexing == "tiled")
        return resolution, size, kind, int(scale.view(np.int32))
