# SPDX-License-Identifier: Apache-2.0
"""MagicaVoxel's .vox: volumes of palette indices, in models of up to 256³ that a small scene graph places.

Format: https://github.com/ephtracy/voxel-model (MagicaVoxel-file-format-vox.txt and its extension).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._atomic import atomic_write
from ._vox_scene import MAX_SIDE, ModelPlace, read_vox_scene, scene_chunks

_VERSION = 150
_NUM_COLORS = 256


class VoxVolume(NamedTuple):
    """What a .vox file holds.

    Parameters
    ----------
    indices : (Z, Y, X) uint8 array
        Rows of ``palette``, 0 for an empty voxel. z is up.
    palette : (256, 4) uint8 array
        RGBA; row 0 stands for nothing.
    origin : (int, int, int)
        x, y, z of voxel (0, 0, 0), in voxels.
    """

    indices: NDArray[np.uint8]
    palette: NDArray[np.uint8]
    origin: tuple[int, int, int]


def write_vox(
    path: str | os.PathLike[str],
    voxels: NDArray[Any],
    *,
    palette: NDArray[np.uint8] | None = None,
    origin: Sequence[int] = (0, 0, 0),
) -> None:
    """Write a volume as MagicaVoxel .vox, atomically.

    A model of such a file has at most 256 voxels a side; a larger volume is split into several, and those that are
    empty are left out. The format knows neither a size of voxels nor places between them.

    Parameters
    ----------
    path : path-like
    voxels : (Z, Y, X) bool or uint8 array
        Occupied or not, or rows of the palette, 0 for an empty voxel. z is up.
    palette : (256, 3) or (256, 4) uint8 array, optional
        RGB or RGBA; row 0 is not used. By default all voxels are light grey.
    origin : (int, int, int), optional
        x, y, z of voxel (0, 0, 0), in voxels.

    Raises
    ------
    TypeError
        Another dtype.
    ValueError
        Another shape, an empty array, an origin out of the 32-bit range.

    Examples
    --------
    >>> dense = np.zeros((300, 4, 4), bool)
    >>> dense[::299, 1:3] = True
    >>> write_vox("two.vox", dense)
    >>> read_vox("two.vox").indices.shape
    (300, 4, 4)
    """
    indices = _as_indices(voxels)
    rgba = _as_rgba(palette)
    start = tuple(int(value) for value in origin)
    if len(start) != 3 or any(not -(2**30) <= value < 2**30 for value in start):
        raise ValueError(f"origin: expected 3 whole numbers of size below 2**30, got {origin}")
    # Palettes of files begin with the colour of index 1.
    content = b"".join(_model_and_place_chunks(indices, start))
    content += _chunk(b"RGBA", np.roll(rgba, -1, axis=0).tobytes())
    with atomic_write(path) as file:
        file.write(b"VOX " + struct.pack("<i", _VERSION) + _chunk(b"MAIN", b"", content))


def read_vox(path: str | os.PathLike[str], *, max_voxels: int = 1 << 30) -> VoxVolume:
    """Read all models of a .vox file into one volume.

    Models lie where the first frame of the file's scene graph puts them, turned as it says; those of a hidden layer
    count too. Where several overlap, the last one wins. Materials, cameras and names are ignored.

    Parameters
    ----------
    path : path-like
    max_voxels : int, optional
        The largest volume to make; a few bytes of a file can place two models far apart.

    Returns
    -------
    VoxVolume
        As large as the models' box, with every model's own empty margin.

    Raises
    ------
    FormatError
        A file that is none, chunks or numbers that do not fit, a scene graph with loops, a volume beyond
        ``max_voxels``.

    Examples
    --------
    >>> dense = np.zeros((2, 3, 4), np.uint8)
    >>> dense[1, 2, 3] = 7
    >>> palette = np.full((256, 4), 255, np.uint8)
    >>> palette[7] = (200, 30, 30, 255)
    >>> write_vox("one.vox", dense, palette=palette, origin=(10, 0, 0))
    >>> volume = read_vox("one.vox")
    >>> volume.palette[volume.indices[1, 2, 3]], volume.origin
    (array([200,  30,  30, 255], dtype=uint8), (10, 0, 0))
    """
    scene = read_vox_scene(path, max_voxels)
    indices = np.zeros(tuple((scene.high - scene.low)[::-1]), np.uint8)
    for model in scene.models:
        x, y, z = (model.places() - scene.low).T
        indices[z, y, x] = model.voxels[:, 3]
    low_x, low_y, low_z = scene.low.tolist()
    return VoxVolume(indices, scene.palette, (low_x, low_y, low_z))


def _as_indices(voxels: NDArray[Any]) -> NDArray[np.uint8]:
    voxels = np.asarray(voxels)
    if voxels.dtype not in (np.bool_, np.uint8):
        raise TypeError(f"voxels: expected dtype bool or uint8, got {voxels.dtype}")
    if voxels.ndim != 3 or voxels.size == 0:
        raise ValueError(f"voxels: expected shape (Z, Y, X), not empty, got {voxels.shape}")
    return voxels.astype(np.uint8, copy=False)


def _as_rgba(palette: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    if palette is None:
        return np.tile(np.array([200, 200, 200, 255], np.uint8), (_NUM_COLORS, 1))
    palette = np.asarray(palette)
    if palette.dtype != np.uint8:
        raise TypeError(f"palette: expected dtype uint8, got {palette.dtype}")
    if palette.shape not in ((_NUM_COLORS, 3), (_NUM_COLORS, 4)):
        raise ValueError(f"palette: expected shape (256, 3) or (256, 4), got {palette.shape}")
    opaque = np.full((_NUM_COLORS, 1), 255, np.uint8)
    return np.concatenate([palette, opaque], axis=1)[:, :4]


def _chunk(name: bytes, content: bytes, children: bytes = b"") -> bytes:
    return name + struct.pack("<ii", len(content), len(children)) + content + children


def _model_and_place_chunks(indices: NDArray[np.uint8], origin: tuple[int, ...]) -> Iterator[bytes]:
    """SIZE and XYZI of every block that is not empty; then the scene graph, where one is needed."""
    places = []
    corners = [
        (z, y, x) for z in range(0, indices.shape[0], MAX_SIDE)
        for y in range(0, indices.shape[1], MAX_SIDE) for x in range(0, indices.shape[2], MAX_SIDE)
    ]  # fmt: skip
    for corner in corners:
        z, y, x = corner
        block = indices[z : z + MAX_SIDE, y : y + MAX_SIDE, x : x + MAX_SIDE]
        # The outermost blocks say how large the volume is.
        if not block.any() and corner not in (corners[0], corners[-1]):
            continue
        at = np.argwhere(block)
        voxels = np.column_stack([at[:, ::-1], block[tuple(at.T)]]).astype(np.uint8)
        places.append(ModelPlace(block.shape[::-1], tuple(o + c for o, c in zip(origin, (x, y, z), strict=True))))
        yield _chunk(b"SIZE", struct.pack("<iii", *block.shape[::-1]))
        yield _chunk(b"XYZI", struct.pack("<i", len(voxels)) + voxels.tobytes())
    if len(places) > 1 or any(origin):  # else old readers, which know no scene graphs, can read the file
        yield from (_chunk(name, content) for name, content in scene_chunks(places))
