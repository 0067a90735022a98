# SPDX-License-Identifier: Apache-2.0
"""Part "texture" of stage "mesh": a picture on the triangles from photographs, within the memory that is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import meshes
from ..mesh import Mesh, Texture
from ..scene import Camera
from .carve_options import CarveOptions
from .fuse_options import FuseOptions
from .memory import process_bytes
from .options import OptionsError
from .photos import describe
from .run_folder import RunFolder
from .store import load_arrays, save_arrays
from .tasks import Made
from .text import thousands

MAX_FACES = 50_000  # where nothing else is asked for: what viewers like, and what leaves charts of some size
MAX_PHOTOS = 200  # that are looked at, evenly among all
_FILE = "texture.npz"
_NO_PHOTOS = "texture: expected photographs, found none; images says where they are"
# Bytes, measured: of a photograph's pixel; of a triangle in a photograph; of a triangle; of a pixel of the texture.
_PER_PIXEL, _PER_SHOWING, _PER_FACE, _PER_TEXEL = 7, 50, 300, 40


@dataclass(frozen=True)
class TexturePhoto:
    """A photograph, where it was taken, and the contents of its files as ``digest`` has them."""

    name: str
    camera: Camera
    cam_from_world: NDArray[np.float64]
    load: Callable[[], NDArray[np.uint8]]
    digest: Any

    def describe(self) -> list[Any]:
        """All that a result can depend on."""
        return [self.name, describe(self.camera), self.cam_from_world.tolist(), self.digest]


@dataclass(frozen=True)
class Texturing:
    """What a texture is made from, and how large it may be."""

    photos: Sequence[TexturePhoto]
    size: int
    max_bytes: int
    num_threads: int

    def describe(self) -> list[Any]:
        """All that a result can depend on beside the mesh."""
        return [self.size, [photo.describe() for photo in self.photos]]


def check(suffix: str, has_photos: bool) -> None:
    """Raise OptionsError where a file with such a suffix has no textures, or there are no photographs."""
    if suffix == ".ply":
        raise OptionsError("texture: expected a mesh in .glb or .obj, got .ply, which has colours of vertices only")
    if not has_photos:
        raise OptionsError(_NO_PHOTOS)


def texturing(photos: Sequence[TexturePhoto], options: CarveOptions | FuseOptions) -> Texturing:
    """A texture from all of the photographs, or some of many. Raises OptionsError where there are none."""
    if not photos:
        raise OptionsError(_NO_PHOTOS)
    some = np.unique(np.linspace(0, len(photos) - 1, min(len(photos), MAX_PHOTOS)).round().astype(int))
    return Texturing([photos[row] for row in some], options.texture_size, options.max_bytes, options.num_threads)


def make(run: RunFolder, mesh: Mesh, chosen: Texturing) -> Made:
    """Write ``texture.npz``."""
    _check_memory(len(mesh.faces), chosen)

    def tell(done: int, total: int) -> None:
        run.detail("mesh", f"texture: {done} of {total} photographs")

    photos = chosen.photos
    images, cameras = [photo.load() for photo in photos], [(photo.camera, photo.cam_from_world) for photo in photos]
    size, num_threads = chosen.size, chosen.num_threads
    try:
        textured = meshes.texture_mesh(mesh, images, cameras, size=size, progress=tell, num_threads=num_threads)
    except ValueError as error:
        if not str(error).startswith("size:"):
            raise
        raise OptionsError(f"texture_{error}; a lower max_faces has fewer charts") from None
    texture = textured.texture
    assert texture is not None
    save_arrays(run.path / _FILE, {"image": texture.image, "uv": texture.uv})
    height, width = texture.image.shape[:2]
    return Made([run.path / _FILE], {"width": width, "height": height, "photographs": len(photos)})


def load_texture(run: RunFolder) -> Texture:
    """The texture that was written."""
    return Texture(**load_arrays(run.path / _FILE))


def _check_memory(num_faces: int, chosen: Texturing) -> None:
    """Raise OptionsError where the limit is lower than what the texture takes, about."""
    pixels = sum(photo.camera.width * photo.camera.height for photo in chosen.photos)
    showings = len(chosen.photos) * num_faces
    least = process_bytes() + _PER_PIXEL * pixels + _PER_SHOWING * showings
    least += _PER_FACE * num_faces + _PER_TEXEL * chosen.size**2
    if least > chosen.max_bytes:
        what = f"a texture of {chosen.size} pixels from {len(chosen.photos)} photographs"
        rule = f"expected {least / 2**20:.0f}M or more for {what} on {thousands(num_faces)} triangles"
        got = f"{chosen.max_bytes / 2**20:.0f}M; texture_size and max_faces lower it"
        raise OptionsError(f"max_memory: {rule}, got {got}")
