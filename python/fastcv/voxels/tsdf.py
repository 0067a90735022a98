# SPDX-License-Identifier: Apache-2.0
"""Truncated signed distances: depth maps of many views, fused into one surface."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._arrays import Call, handle
from ..mesh import Mesh
from ..scene import Camera
from ._block_store import BLOCK_LIMIT, BlockStore, blocks_in, bytes_per_block
from ._frames import Frames, farthest, frames_of, pack
from ._memory import memory_limit
from ._raycast import RenderedView, render
from .grid import VoxelGrid
from .marching_cubes import marching_cubes_blocks
from .occupancy import BLOCK, blocks_of

_BATCH = 4  # frames that are packed at a time: more of them do not stay in a cache beside the voxels
_FIRST_GUESS = 4096  # as many new blocks as a batch brings at first


class DenseTsdf(NamedTuple):
    """Part of a volume as arrays: (Z, Y, X) values and weights, (Z, Y, X, 3) colors or None; weight 0 is unseen."""

    values: NDArray[np.float32]
    weights: NDArray[np.float32]
    colors: NDArray[np.uint8] | None


class TsdfVolume:
    """Signed distances to a surface, in blocks of 8 × 8 × 8 voxels that come into being where surfaces are seen.

    For the centre of a voxel at depth z in a frame, whose pixel there shows depth d, the distance is d - z: positive in
    front of the surface. Where it is at least -``truncation`` the voxel is updated: its value becomes the mean, by
    weights, of the distances clipped to ``truncation``, and its weight grows by the frame's. A block comes into being
    with the first frame in which a voxel of it lies within ``truncation`` of the surface; from then on it is updated by
    every frame, also by those that look through it. Results are the same bits for every number of threads and
    instruction set, and whether frames come one by one or many at once.

    Parameters
    ----------
    voxels : float or VoxelGrid
        The size of a voxel in scene units: the volume then grows, within 2²³ voxels of ``origin`` along each axis. Or
        a grid: the volume is that box, all of it from the start, rounded up to whole blocks.
    truncation : float, optional
        In scene units; 4 voxels where absent.
    color : bool, optional
        Whether frames come with colours.
    origin : (3,) array, optional
        x, y, z of the corner of voxel (0, 0, 0), where ``voxels`` is no grid.
    max_weight : float, optional
        Weights stop growing there, so that what is new keeps some say.
    max_memory : int, optional
        Bytes that the arrays may take; what this machine has where absent.

    Raises
    ------
    ValueError
        A size, truncation or weight that is not positive; a grid that does not fit into memory.

    References
    ----------
    Curless & Levoy 1996, "A volumetric method for building complex models from range images". Newcombe et al. 2011,
    "KinectFusion: real-time dense surface mapping and tracking". Niessner et al. 2013, "Real-time 3D reconstruction at
    scale using voxel hashing".

    Examples
    --------
    A wall two units in front of the camera:

    >>> import numpy as np
    >>> from fastcv import Camera
    >>> from fastcv.voxels import TsdfVolume
    >>> camera = Camera("PINHOLE", 64, 48, np.array([50.0, 50, 32, 24]))
    >>> volume = TsdfVolume(0.05)
    >>> volume.integrate(np.full((48, 64), 2, np.float32), camera, np.eye(3, 4))
    >>> view = volume.render(camera, np.eye(3, 4))
    >>> float(view.depth[24, 32]), view.normals[24, 32]
    (2.0, array([ 0.,  0., -1.], dtype=float32))
    """

    def __init__(
        self,
        voxels: float | VoxelGrid,
        *,
        truncation: float | None = None,
        color: bool = False,
        origin: ArrayLike = (0.0, 0.0, 0.0),
        max_weight: float = math.inf,
        max_memory: int | None = None,
    ) -> None:
        # The smallest grid that knows origin and voxel size checks both.
        space = voxels if isinstance(voxels, VoxelGrid) else VoxelGrid(origin, voxels, (1, 1, 1))
        self._grid = voxels if isinstance(voxels, VoxelGrid) else None
        self._space = space
        self.truncation = _positive("truncation", 4 * space.voxel_size if truncation is None else truncation)
        self.max_weight = _positive("max_weight", max_weight, infinite=True)
        self._color = bool(color)
        self._limit = memory_limit("max_memory", max_memory)
        call = Call()
        call.input("origin", self.origin, (3,), ("float64",))
        self._store = self._new_store(call)
        self._new_blocks = _FIRST_GUESS

    @classmethod
    def from_arrays(
        cls,
        blocks: Any,
        values: Any,
        weights: Any,
        colors: Any = None,
        *,
        voxels: float | VoxelGrid,
        **options: Any,
    ) -> TsdfVolume:
        """A volume from the arrays of another, ``blocks``, ``values``, ``weights`` and ``colors``, which it takes over.

        ``voxels`` and the other options are those of the class.

        Raises
        ------
        TypeError, ValueError
            Arrays of other dtypes or shapes; coordinates that come twice or lie out of bounds, or are not the grid's.
        """
        volume = cls(voxels, color=colors is not None, **options)
        call = Call()
        block = (BLOCK, BLOCK, BLOCK)
        arrays = [call.input("blocks", blocks, ("M", 3), ("int32",))]
        arrays += [
            call.input(*named, ("M", *block), ("float32",)) for named in (("values", values), ("weights", weights))
        ]
        if colors is not None:
            arrays.append(call.input("colors", colors, ("M", 3, *block), ("float32",)))
        volume._require(len(arrays[0]))
        coordinates = call.fetch(arrays[0])
        low, high = coordinates.min(initial=0), coordinates.max(initial=0)
        if not -BLOCK_LIMIT <= low <= high < BLOCK_LIMIT:
            raise ValueError(f"blocks: expected coordinates from -2**20 to 2**20 - 1, got {low} to {high}")
        if volume._grid is not None and not np.array_equal(coordinates, blocks_in(blocks_of(volume._grid))):
            raise ValueError("blocks: expected those of the grid in raster order, got others")
        volume._store = BlockStore(call, volume._color)
        volume._store.fill(*arrays)
        return volume

    @property
    def voxel_size(self) -> float:
        """In scene units."""
        return self._space.voxel_size

    @property
    def origin(self) -> NDArray[np.float64]:
        """x, y, z of the corner of voxel (0, 0, 0) of block (0, 0, 0)."""
        return np.asarray(self._space.origin)

    @property
    def blocks(self) -> Any:
        """(M, 3) int32 coordinates z, y, x of the blocks; voxel (0, 0, 0) of block b is voxel 8 b of space."""
        return self._store.blocks

    @property
    def values(self) -> Any:
        """(M, 8, 8, 8) float32 distances at the centres of voxels, in scene units. All arrays are the volume's own."""
        return self._store.values

    @property
    def weights(self) -> Any:
        """(M, 8, 8, 8) float32; 0 where nothing was seen."""
        return self._store.weights

    @property
    def colors(self) -> Any:
        """(M, 3, 8, 8, 8) float32 red, green and blue from 0 to 255, or None; averaged as the distances are."""
        return self._store.colors

    @property
    def nbytes(self) -> int:
        """Bytes that the blocks take, as ``max_memory`` counts them."""
        return len(self.blocks) * bytes_per_block(self._color)

    def __repr__(self) -> str:
        return f"TsdfVolume({len(self.blocks)} blocks of 8³ voxels of {self.voxel_size:g})"

    def integrate(
        self,
        depth: Any,
        camera: Camera,
        cam_from_world: ArrayLike,
        *,
        color: Any = None,
        weight: Any = 1.0,
        depth_scale: float = 1.0,
        max_depth: float = math.inf,
        num_threads: int = 0,
    ) -> None:
        """Fuse one frame, or many of one camera: many at once take less time and come to the same bits.

        Parameters
        ----------
        depth : (H, W) or (N, H, W) float32 or uint16 array
            Depth along z; 0, negative, NaN and infinite say nothing. On a GPU where it is a torch or CuPy array there.
        camera : Camera
            Of any model with a pinhole view: frames with lens distortion are first resampled to it, each pixel from
            the one that its centre lies in.
        cam_from_world : (3, 4) or (N, 3, 4) array
            Poses.
        color : (H, W, 3) or (N, H, W, 3) uint8 array
            RGB; where the volume has colours.
        weight : float, or float32 array of the shape of ``depth``, optional
            How much the frames count, or their pixels: those whose weight is not positive and finite say nothing.
        depth_scale : float, optional
            Scene units in one of ``depth``: 0.001 for millimetres where scenes are in metres.
        max_depth : float, optional
            In scene units; pixels beyond it say nothing.
        num_threads : int, optional
            Threads to use; 0 is the default of ``fastcv.set_num_threads``.

        Raises
        ------
        TypeError
            An array of another dtype.
        ValueError
            An array of another shape; a pose that is not rigid; colours for a volume without them, or none for one
            with; surfaces out of reach; blocks beyond ``max_memory``. The volume then is as it was, or as the frames
            before made it.
        """
        _positive("depth_scale", depth_scale)
        _positive("max_depth", max_depth, infinite=True)
        call = Call()
        frames = frames_of(call, depth, camera, cam_from_world, color, weight, self._color)
        if self._store.call.framework != call.framework and not self._store.weights.any():
            self._store = self._new_store(call)  # the first frames decide where the volume lives
        self._store.join(call)
        for begin in range(0, len(frames.poses), _BATCH):
            part = frames.part(begin, begin + _BATCH)
            packed = pack(call, part, self._space.world_from_voxel, depth_scale, max_depth, num_threads)
            self._integrate(call, part, packed, num_threads)

    def render(
        self,
        camera: Camera,
        cam_from_world: ArrayLike,
        *,
        min_weight: float = 0.0,
        max_depth: float = math.inf,
        num_threads: int = 0,
    ) -> RenderedView:
        """What a camera would see of the surface, by casting a ray through each pixel's centre.

        Parameters
        ----------
        camera : Camera
            Of any model; pixels whose rays do not point forward see nothing.
        cam_from_world : (3, 4) array
            Its pose.
        min_weight : float, optional
            Voxels with a smaller weight count as unseen.
        max_depth : float, optional
            In scene units.
        num_threads : int, optional
            Threads to use; 0 is the default of ``fastcv.set_num_threads``.

        Returns
        -------
        RenderedView
            ``depth`` (H, W) float32 along z, ``normals`` (H, W, 3) float32 in the camera frame, towards the camera, and
            ``colors`` (H, W, 3) uint8 or None; zeros where no surface is seen from its front.

        Raises
        ------
        ValueError
            A pose that is not rigid, or far from the volume.
        """
        return render(self._store, self._space, camera, cam_from_world, min_weight, max_depth, num_threads)

    def extract_mesh(self, *, min_weight: float = 0.0, num_threads: int = 0) -> Mesh:
        """The surface as triangles, by ``marching_cubes_blocks``, with colours where the volume has them.

        Parameters
        ----------
        min_weight : float, optional
            Voxels with a smaller weight count as unseen: there the surface ends.
        num_threads : int, optional
            Threads to use; 0 is the default of ``fastcv.set_num_threads``.

        Returns
        -------
        Mesh
            In numpy arrays.
        """
        store = self._store
        valid = (store.weights > 0) & (store.weights >= min_weight)
        colors = None if store.colors is None else store.byte_colors()
        arguments = (store.blocks, store.values, self.origin, self.voxel_size)
        return marching_cubes_blocks(*arguments, valid=valid, colors=colors, num_threads=num_threads)

    def to_dense(self, grid: VoxelGrid | None = None) -> DenseTsdf:
        """The voxels of a grid as arrays of numpy, zeros where there is no block.

        Parameters
        ----------
        grid : VoxelGrid, optional
            Of the volume's voxels; its own where it was made with one.

        Raises
        ------
        ValueError
            A grid of other voxels; arrays that do not fit into memory.
        """
        grid = grid or self._grid
        if grid is None:
            raise ValueError("grid: expected one, as the volume has none of its own, got None")
        offset = (np.asarray(grid.origin) - self.origin) / self.voxel_size
        first = np.round(offset)
        # Origins that were computed in different ways differ by rounding; a hundredth of a voxel is no such thing.
        if (
            grid.voxel_size != self.voxel_size
            or not (np.abs(offset - first) < 1e-2).all()
            or np.abs(first).max() > 2**30
        ):
            raise ValueError(
                f"grid: expected one of the volume's voxels (origin {self.origin}, {self.voxel_size:g}), got {grid}"
            )
        return DenseTsdf(*self._store.dense(first[::-1].astype(np.int64), grid.shape))

    def _new_store(self, call: Call) -> BlockStore:
        """An empty one, or all of the grid."""
        store = BlockStore(call, self._color)
        if self._grid is not None:
            shape = blocks_of(self._grid)
            self._require(math.prod(shape))
            store.append(call.place(blocks_in(shape)), math.prod(shape))
        return store

    def _require(self, num_blocks: int) -> None:
        size = num_blocks * bytes_per_block(self._color)
        if size > self._limit:
            limit, got = f"{self._limit / 1e9:.3g} GB", f"{num_blocks} blocks of 8³ voxels, {size / 1e9:.3g} GB"
            raise ValueError(f"max_memory: expected blocks that fit into {limit}, got {got}")

    def _integrate(self, call: Call, frames: Frames, packed: tuple[Any, ...], num_threads: int) -> None:
        """Frames that are packed: first the blocks that they bring into being, then all blocks."""
        rule = (self.truncation, frames.weight, self.max_weight)
        execution = call.execution(num_threads)
        first_frames = call.empty((0,), "int32")
        if self._grid is None:
            self._check_reach(farthest(call, frames, packed[2], self.truncation))
            first_frames = self._add_blocks(call, packed, rule, execution)
        store = self._store
        arrays = _handles(store.blocks, first_frames, store.values, store.weights, store.colors)
        call.backend.voxels.integrate(*_handles(*packed), *rule, *arrays, execution)

    def _add_blocks(self, call: Call, packed: tuple[Any, ...], rule: tuple[float, ...], execution: int) -> Any:
        """The first frame of each block that is new."""
        store, find = self._store, call.backend.voxels.find_blocks
        most = min(self._limit // bytes_per_block(self._color), 2**31 - 1)
        capacity = self._new_blocks
        while True:
            blocks, first_frames = call.empty((capacity, 3), "int32"), call.empty((capacity,), "int32")
            table, out = _handles(store.keys, store.slots), _handles(blocks, first_frames)
            count = find(*_handles(*packed), *rule, *table, most - store.count, *out, execution)
            if store.count + count > most:
                self._require(store.count + count)
            if count <= capacity:
                break
            capacity = count
        self._new_blocks = max(_FIRST_GUESS, 2 * count)
        store.append(blocks[:count], most)
        return first_frames[:count]

    def _check_reach(self, places: NDArray[np.float64]) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            voxels = np.abs((places - self.origin) / self.voxel_size).max(initial=0)
        if not voxels < BLOCK * (BLOCK_LIMIT - 1):
            rule = "surfaces within 2**23 voxels of the origin (see max_depth)"
            raise ValueError(f"depth: expected {rule}, got up to {voxels:.3g}")


def _handles(*arrays: Any) -> list[Any]:
    """For one native call; None stays None."""
    return [None if array is None else handle(array) for array in arrays]


def _positive(name: str, value: float, *, infinite: bool = False) -> float:
    value = float(value)
    if not (value > 0 and (infinite or math.isfinite(value))):
        raise ValueError(f"{name}: expected a positive {'' if infinite else 'finite '}number, got {value}")
    return value
