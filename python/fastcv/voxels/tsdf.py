# SPDX-License-Identifier: Apache-2.0
"""Truncated signed distances: depth maps of many views, fused into one surface."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike

from .._arrays import Call
from ..mesh import Mesh
from ..scene import Camera
from ._block_store import bytes_per_block
from ._frames import farthest, frames_of, pack
from ._fusion import Fusion, check_reach
from ._raycast import RenderedView, render
from ._tsdf_arrays import DenseTsdf, TsdfArrays, positive
from .marching_cubes import marching_cubes_blocks

__all__ = ["DenseTsdf", "RenderedView", "TsdfVolume"]

_BATCH = 4  # frames that are packed at a time: more of them do not stay in a cache beside the voxels


class TsdfVolume(TsdfArrays):
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
        positive("depth_scale", depth_scale)
        positive("max_depth", max_depth, infinite=True)
        call = Call()
        frames = frames_of(call, depth, camera, cam_from_world, color, weight, self._color)
        if self._store.call.framework != call.framework and not self._store.weights.any():
            self._store = self._new_store(call)  # the first frames decide where the volume lives
        self._store.join(call)
        for begin in range(0, len(frames.poses), _BATCH):
            part = frames.part(begin, begin + _BATCH)
            packed = pack(call, part, self._space.world_from_voxel, depth_scale, max_depth, num_threads)
            rule = (self.truncation, part.weight, self.max_weight)
            fusion = Fusion(call, packed, rule, call.execution(num_threads))
            first_frames = call.empty((0,), "int32")
            if self._grid is None:
                check_reach(farthest(call, part, packed[2], self.truncation), self._space)
                first_frames = self._add_blocks(fusion)
            fusion.integrate(self._store, first_frames)

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

    def _add_blocks(self, fusion: Fusion) -> Any:
        """The first frame of each block that is new."""
        most = min(self._limit // bytes_per_block(self._color), 2**31 - 1)
        blocks, first_frames, count = fusion.find_blocks(self._store, most - self._store.count)
        if self._store.count + count > most:
            self._require(self._store.count + count)
        self._store.append(blocks, most)
        return first_frames
