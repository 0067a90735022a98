# SPDX-License-Identifier: Apache-2.0
"""Stage "integrate": depth maps into a volume of signed distances, one after the other.

The volume is written now and then with how many depth maps it holds and a digest of what they were. A run that was
killed goes on from there, and so does one with more depth maps at the end; both give the same bits as one run.
"""

from __future__ import annotations

import json
import logging
import time
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import __version__, voxels
from ..errors import FormatError
from .digest import digest_values
from .fuse_options import FuseOptions
from .fuse_source import DepthFile, FuseError
from .memory import process_bytes
from .options import OptionsError
from .run_folder import RunFolder
from .store import load_arrays, save_arrays
from .tasks import Made, Task
from .text import why_unreadable

_LOG = logging.getLogger(__name__)

FILE = "volume.npz"
CHECKPOINT_SECONDS = 10.0  # of work that a kill can cost
CHECKPOINT_SHARE = 0.1  # of the time at most goes into checkpoints
_SAMPLED = 16  # depth maps that tell how fine voxels have to be
_PIXELS_PER_VOXEL = 3.0
BATCH_BYTES = 64 << 20  # of depth maps and photographs that are integrated together
_PIXEL_BYTES = 7  # of a depth and a colour


def run(run: RunFolder, frames: Sequence[DepthFile], options: FuseOptions) -> None:
    """Write ``volume.npz``. A depth map that cannot be read is noted with the reason."""
    described = [frame.describe() for frame in frames]
    choices = [options.voxel_size, options.truncation, options.max_depth, options.colors]
    task = Task("volume", [described, choices], lambda: _Integration(run, frames, options, described).make())
    run.execute("integrate", [task])


def load_volume(run: RunFolder) -> voxels.TsdfVolume:
    """The finished volume."""
    return _restored(load_arrays(run.path / FILE), None)


class _Frame(NamedTuple):
    """A depth map that was read, with the photograph that belongs to it where there are colours."""

    file: DepthFile
    depth: NDArray[np.float32]
    color: NDArray[np.uint8] | None


class _Integration:
    """The work of the one task."""

    def __init__(self, run: RunFolder, frames: Sequence[DepthFile], options: FuseOptions, described: Sequence[Any]):
        self._run, self._frames, self._options, self._described = run, frames, options, described
        self._colored = options.colors and any(frame.photo is not None for frame in frames)
        self._voxel_size = options.voxel_size or _default_voxel_size(frames, options)
        self._limit = options.max_bytes - process_bytes() - BATCH_BYTES
        self._facts: dict[str, dict[str, Any]] = {}

    def make(self) -> Made:
        volume, done = self._resume()
        saved, cost = time.perf_counter(), 0.0
        while done < len(self._frames):
            done = self._add_batch(volume, done)
            self._run.detail("integrate", f"{done} of {len(self._frames)} depth maps")
            worked = time.perf_counter() - saved
            if worked > max(CHECKPOINT_SECONDS, cost / CHECKPOINT_SHARE) and done < len(self._frames):
                self._save(volume, done)
                saved = time.perf_counter()
                cost = saved - worked
        if all("skipped" in facts for facts in self._facts.values()):
            name, facts = next(iter(self._facts.items()))
            raise FuseError(f"expected depth maps that can be fused, found none; {name}: {facts['skipped']}")
        self._save(volume, done)
        scale = {"voxel_size": volume.voxel_size, "truncation": volume.truncation, "blocks": len(volume.blocks)}
        return Made([self._run.path / FILE], {"frames": self._facts, "volume": scale})

    def _add_batch(self, volume: voxels.TsdfVolume, begin: int) -> int:
        """Integrate the depth maps from ``begin`` on that go together; where the next ones begin.

        The volume comes to the same bits in whatever batches depth maps come.
        """
        batch: list[_Frame] = []
        end, camera = begin, self._frames[begin].camera
        most = max(BATCH_BYTES // (_PIXEL_BYTES * camera.width * camera.height), 1)
        while end < len(self._frames) and end - begin < most and self._frames[end].camera == camera:
            frame = self._read(self._frames[end])
            batch += [] if frame is None else [frame]
            end += 1
        if batch:
            depths, poses = np.stack([f.depth for f in batch]), np.stack([f.file.cam_from_world for f in batch])
            colors = np.stack([f.color for f in batch if f.color is not None]) if self._colored else None
            try:
                volume.integrate(depths, camera, poses, color=colors, num_threads=self._options.num_threads)
            except ValueError as error:
                raise OptionsError(self._too_much(str(error), volume.voxel_size)) from None
        return end

    def _too_much(self, error: str, voxel_size: float) -> str:
        """A message of the volume, about its limit or about surfaces far away, as one about the options."""
        name, _, rest = error.partition(":")
        if name != "max_memory":
            return f"voxel_size:{rest}; larger voxels reach further than {voxel_size:.4g}"
        taken = (self._options.max_bytes - self._limit) / 2**20
        way_out = f"larger voxels need less (voxel_size {voxel_size:.4g})"
        return f"{error}; the process itself takes {taken:.0f}M; {way_out}"

    def _read(self, file: DepthFile) -> _Frame | None:
        """A depth map, and what is known of it; None where it cannot be used."""
        try:
            depth = file.read_depth(self._options.max_depth)
            color = file.read_photo() if self._colored else None
        except (FormatError, OSError) as error:
            self._facts[file.name] = {"skipped": why_unreadable(error)}
            return None
        found = depth[depth > 0]
        if not len(found):
            self._facts[file.name] = {"skipped": "it has no depth"}
            return None
        size = {"width": file.camera.width, "height": file.camera.height}
        share = {"coverage": len(found) / depth.size, "median_depth": float(np.median(found))}
        self._facts[file.name] = {**size, **share}
        return _Frame(file, depth, color)

    def _save(self, volume: voxels.TsdfVolume, done: int) -> None:
        facts = {"done": done, "key": self._key(done), "frames": self._facts}
        save_arrays(self._run.path / FILE, {**_arrays(volume), "facts": np.array(json.dumps(facts))})

    def _resume(self) -> tuple[voxels.TsdfVolume, int]:
        """The volume of an earlier run with the first of these depth maps, or an empty one, and how many they are."""
        path = self._run.path / FILE
        try:
            arrays = load_arrays(path) if path.exists() else {}
            facts = json.loads(str(arrays.pop("facts", "null")))
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            _LOG.info("%s is damaged and is made anew: %s", FILE, error)
            facts = None
        if facts is not None and facts["key"] == self._key(facts["done"]):
            self._facts = facts["frames"]
            return _restored(arrays, self._limit), facts["done"]
        truncation = self._options.truncation * self._voxel_size
        return voxels.TsdfVolume(
            self._voxel_size, truncation=truncation, color=self._colored, max_memory=max(self._limit, 1)
        ), 0

    def _key(self, done: int) -> str:
        """Of a volume with the first so many depth maps."""
        options = self._options
        choices = [self._voxel_size, options.truncation, options.max_depth, self._colored]
        return digest_values(__version__, choices, done, self._described[:done])


def _default_voxel_size(frames: Sequence[DepthFile], options: FuseOptions) -> float:
    """Three pixels at the median depth, by some of the frames: finer than that is noise."""
    pixels = []
    for frame in frames[:: len(frames) // _SAMPLED + 1]:
        try:
            depth = frame.read_depth(options.max_depth)
        except (FormatError, OSError):
            continue
        if depth.any():
            pixels.append(float(np.median(depth[depth > 0])) / frame.camera.focal_length)
    if not pixels:
        near = "" if options.max_depth is None else f" up to {options.max_depth:g} (max_depth)"
        raise FuseError(f"expected depth maps with depths{near}, found none; the first is {frames[0].depth}")
    return _PIXELS_PER_VOXEL * float(np.median(pixels))


def _restored(arrays: Mapping[str, Any], limit: int | None) -> voxels.TsdfVolume:
    """The volume that ``_arrays`` has taken apart."""
    parts = (arrays["blocks"], arrays["values"], arrays["weights"], arrays.get("colors"))
    size, truncation = arrays["scale"].tolist()
    return voxels.TsdfVolume.from_arrays(*parts, voxels=size, truncation=truncation, max_memory=limit)


def _arrays(volume: voxels.TsdfVolume) -> dict[str, Any]:
    """A volume as arrays, its blocks in raster order: that in which they came depends on the batches."""
    order = np.lexsort(volume.blocks.T[::-1])
    names = ("blocks", "values", "weights", *(["colors"] if volume.colors is not None else []))
    arrays = {name: getattr(volume, name)[order] for name in names}
    return {**arrays, "scale": np.array([volume.voxel_size, volume.truncation])}
