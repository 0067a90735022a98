# SPDX-License-Identifier: Apache-2.0
"""Which parts of space are worth a sample: a grid of bits, made from densities that are looked at now and then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, check, dtype_name, handle, is_torch
from ..scene import Camera
from ._visible_cells import visible_cells

UNIT_BOX = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
NODE = 16  # cells along a side of a node
MAX_RESOLUTION = 1024
MAX_LEVELS = 16
_STATE = ("box", "density", "threshold", "nodes", "words")


class OccupancyGrid:
    """Cells that are not empty, in nested levels: level k covers the box scaled by 2^k about its centre.

    A new grid has all cells set: nothing is known to be empty.

    Parameters
    ----------
    resolution : int, optional
        Cells along a side of each level: a multiple of 16, up to 1024.
    levels : int, optional
        1 to 16; more than one for scenes without bounds.
    box : (2, 3) array, optional
        Lowest and highest corner of the finest level, in the world.
    device : str, optional
        ``None``: the grid is numpy arrays, and so are the points that density functions get. Else torch's name of a
        device: they are tensors there.

    Attributes
    ----------
    density : (levels, Z, Y, X) float32 array
        The moving maximum of densities; -infinity in cells that no camera sees.
    threshold : (1,) float32 array
        The density above which cells are set.
    nodes, words : int64 arrays
        The bits: a word is 4 x 4 x 4 cells, a node says which of its 4 x 4 x 4 words have any, and 64 words of a node
        follow each other.

    Raises
    ------
    ValueError
        For a value that is not as described.

    References
    ----------
    Müller et al. 2022, "Instant neural graphics primitives with a multiresolution hash encoding", appendix C.
    docs/rays.md has what is done otherwise here.

    Examples
    --------
    >>> from fastcv import nerf
    >>> grid = nerf.OccupancyGrid(32, box=((-1, -1, -1), (1, 1, 1)))
    >>> grid.update(lambda points: 50.0 * (np.linalg.norm(points, axis=1) < 0.5), step=0)
    >>> round(grid.share, 3)  # of the ball: pi / 48
    0.066
    """

    def __init__(
        self, resolution: int = 128, levels: int = 1, *, box: ArrayLike = UNIT_BOX, device: str | None = None
    ) -> None:
        if not (NODE <= resolution <= MAX_RESOLUTION and resolution % NODE == 0):
            raise ValueError(f"resolution: expected a multiple of {NODE} up to {MAX_RESOLUTION}, got {resolution}")
        if not 1 <= levels <= MAX_LEVELS:
            raise ValueError(f"levels: expected 1 to {MAX_LEVELS}, got {levels}")
        self.resolution, self.levels, self.device = resolution, levels, device
        self.box = np.array(box, np.float64)
        check("box", self.box, (2, 3))
        if not (np.isfinite(self.box).all() and (self.box[0] < self.box[1]).all()):
            raise ValueError(f"box: expected a lowest and a highest corner, got {self.box.tolist()}")
        nodes = levels * (resolution // NODE) ** 3
        self.density = self._place(np.zeros((levels, *[resolution] * 3), np.float32))
        self.threshold = self._place(np.full(1, -1, np.float32))
        self.nodes = self._place(np.full(nodes, -1, np.int64))
        self.words = self._place(np.full(64 * nodes, -1, np.int64))

    @classmethod
    def from_occupied(
        cls, occupied: ArrayLike, *, box: ArrayLike = UNIT_BOX, device: str | None = None
    ) -> OccupancyGrid:
        """A grid whose set cells are known: (levels, Z, Y, X) or (Z, Y, X) bool array.

        A cell around set ones of a finer level is set too.
        """
        cells = np.asarray(occupied, bool)
        cells = cells[None] if cells.ndim == 3 else cells
        check("occupied", cells, (None, *cells.shape[-1:] * 3))
        grid = cls(cells.shape[1], cells.shape[0], box=box, device=device)
        grid.density = grid._place(cells.astype(np.float32))
        grid.pack(0.5)
        return grid

    @classmethod
    def from_state(cls, state: Mapping[str, Any], *, device: str | None = None) -> OccupancyGrid:
        """The grid that :meth:`state` described."""
        missing = [name for name in _STATE if name not in state]
        if missing:
            raise ValueError(f"state: expected {', '.join(_STATE)}, got none of {', '.join(missing)}")
        density = np.asarray(state["density"])
        check("density", density, (None, *density.shape[-1:] * 3), ("float32",))
        grid = cls(density.shape[1], density.shape[0], box=state["box"], device=device)
        for name in _STATE[1:]:
            array, own = np.asarray(state[name]), getattr(grid, name)
            check(name, array, tuple(own.shape), (dtype_name(own),))
            setattr(grid, name, grid._place(array.copy()))
        return grid

    def state(self) -> dict[str, NDArray[Any]]:
        """All there is to save, as numpy arrays by name."""
        return {name: _on_host(getattr(self, name)).copy() for name in _STATE}

    @property
    def occupied(self) -> NDArray[np.bool_]:
        """(levels, Z, Y, X) which cells are set."""
        side = self.resolution // NODE
        bits = np.unpackbits(_on_host(self.words).view(np.uint8), bitorder="little")
        cells = bits.reshape(self.levels, *[side] * 3, *[4] * 6).transpose(0, 1, 4, 7, 2, 5, 8, 3, 6, 9)
        return cells.reshape(self.levels, *[self.resolution] * 3).astype(bool)

    @property
    def share(self) -> float:
        """The part of all cells that is set."""
        return float(self.occupied.mean())

    @cached_property
    def step(self) -> float:
        """A step that is fine enough for the box: its diagonal / 1024, as in instant-ngp."""
        return float(np.linalg.norm(self.box[1] - self.box[0])) / 1024

    @cached_property
    def coarsest_box(self) -> NDArray[np.float64]:
        """(2, 3) corners of the coarsest level: what marched points lie in the unit box of."""
        return self._box_of(self.levels - 1)

    def update(
        self,
        density_function: Callable[[Any], Any],
        step: int,
        *,
        decay: float = 0.95,
        threshold: float = 0.01,
        warmup: int = 16,
        period: int = 4,
        seed: int = 0,
        batch: int = 2**18,
        num_threads: int = 0,
    ) -> None:
        """Look at densities anew, at one random point a cell, and set the bits by them.

        Every density decays, and rises to the new one where that is larger.

        Parameters
        ----------
        density_function : callable
            Takes (N, 3) float32 points in the world and gives their (N,) or (N, 1) densities, per scene unit.
        step : int
            The number of this update: 0, 1, 2 and so on.
        decay : float, optional
            What is left of an old density, 0 to 1.
        threshold : float, optional
            Cells are set whose density times :attr:`step` is above this, or above the mean where that is less.
        warmup : int, optional
            Updates before this one look at all cells. Later ones look at cells that are set, and at others in turn.
        period : int, optional
            After so many updates all cells have had their turn.
        seed : int, optional
            Points depend on it, the step and the cell alone.
        batch : int, optional
            How many points the density function gets at most.
        num_threads : int, optional
            Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

        Raises
        ------
        ValueError
            For an option beside its range, or densities of another shape or that are not finite.
        """
        for name, value, holds in (
            ("step", step, step >= 0),
            ("decay", decay, 0 <= decay <= 1),
            ("threshold", threshold, threshold >= 0),
            ("period", period, period >= 1),
            ("seed", seed, 0 <= seed < 2**64),
            ("batch", batch, batch >= 1),
        ):
            if not holds:
                raise ValueError(f"{name}: expected a number in its range, got {value}")
        cells = self._cells_of(step, warmup, period)
        values = self._look(density_function, cells, step, seed, batch, num_threads)
        flat = self.density.reshape(-1)
        flat *= decay
        flat[cells] = self._namespace().maximum(flat[cells], values)
        self.pack(threshold / self.step, num_threads=num_threads)

    def mark_invisible(self, cameras: Sequence[tuple[Camera, ArrayLike]]) -> None:
        """Leave out cells that no camera sees: they are never looked at again, nor set.

        Parameters
        ----------
        cameras : sequence of pairs (Camera, cam_from_world)
            Intrinsics and (3, 4) pose of each view.

        Notes
        -----
        A cell is seen if a corner of it lies in the image of some camera, or if it is nearer to one than its own
        diagonal.
        """
        visible = np.stack([visible_cells(cameras, self.resolution, self._box_of(k)) for k in range(self.levels)])
        hidden = self._place(~visible)
        self.density[hidden] = -np.inf
        self.pack(float(_on_host(self.threshold)[0]))

    def pack(self, limit: float, *, num_threads: int = 0) -> None:
        """Set the bits by ``density``: above the mean of what is seen, or above the limit where that is less."""
        call = Call()
        density = call.input("density", self.density, (self.levels, *[self.resolution] * 3), ("float32",))
        bits = (handle(array) for array in (self.threshold, self.nodes, self.words))
        execution = call.execution(num_threads)
        call.backend.nerf.occupancy_pack(self.numbers, handle(density), limit, *bits, execution)

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """What native code reads (cpp/bindings/nerf_march.h)."""
        size = self.box[1] - self.box[0]
        return np.array([self.resolution, self.levels, *self.box.mean(0), *(self.resolution / size)])

    def _box_of(self, level: int) -> NDArray[np.float64]:
        center, half = self.box.mean(0), (self.box[1] - self.box[0]) * 2.0 ** (level - 1)
        return np.stack([center - half, center + half])

    def _cells_of(self, step: int, warmup: int, period: int) -> Any:
        """(N,) numbers of the cells that an update looks at."""
        density = self.density.reshape(-1)
        wanted = density >= 0
        if step >= warmup:
            turn = density > self.threshold
            turn[step % period :: period] = True
            wanted &= turn
        return self._namespace().where(wanted)[0]

    def _look(
        self, function: Callable[[Any], Any], cells: Any, step: int, seed: int, batch: int, num_threads: int
    ) -> Any:
        """(N,) densities at a point in each cell."""
        if self.device is not None:
            from ._torch_occupancy import without_gradients

            function = without_gradients(function)
        call = Call()
        cells = call.input("cells", cells, ("N",), ("int64",))
        values = call.empty(("N",), "float32")
        for first in range(0, len(cells), batch):
            some = cells[first : first + batch]
            points = call.empty((len(some), 3), "float32")
            execution = call.execution(num_threads)
            call.backend.nerf.occupancy_points(self.numbers, handle(some), seed, step, handle(points), execution)
            densities = function(points)
            if tuple(densities.shape) not in ((len(some),), (len(some), 1)):
                expected = f"expected shape ({len(some)},) or ({len(some)}, 1)"
                raise ValueError(f"density_function: {expected}, got {tuple(densities.shape)}")
            values[first : first + batch] = densities.reshape(-1)
        if not bool((values - values == 0).all()):
            raise ValueError("density_function: expected finite densities, got one that is not")
        return values

    def _namespace(self) -> Any:
        return np if self.device is None else sys.modules["torch"]

    def _place(self, array: NDArray[Any]) -> Any:
        if self.device is None:
            return array
        from ._torch_occupancy import place

        return place(array, self.device)


def _on_host(array: Any) -> NDArray[Any]:
    return array.cpu().numpy() if is_torch(array) else array
