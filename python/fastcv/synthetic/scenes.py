# SPDX-License-Identifier: Apache-2.0
"""The named scenes: a courtyard to walk past and an object to walk around."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from .materials import Material
from .poses import Array, arc
from .scene import Scene
from .solids import Solid

_BRICK = Material(("#b5613f", "#8a4229", "#e0b48c"), grain=0.3, cell=(0.34, 9.0, 0.12))
_SANDSTONE = Material(("#c9a77c", "#a27f58", "#e6d3b0"), grain=0.7, cell=(0.62, 9.0, 0.3))
_PAVING = Material(("#8d8a86", "#6f6a66", "#b9a58f"), grain=0.6, cell=(0.75, 0.5, 9.0))
_LIMESTONE = Material(("#d8cfbd", "#b7a98f", "#8b7b64"), grain=0.3, contrast=0.32)
_MARBLE = Material(("#e4e0d8", "#c4c6c8", "#6d7580"), grain=0.35, contrast=0.32)
_GRANITE = Material(("#7d6f73", "#54545c", "#c9b7ac"), grain=0.2, contrast=0.42)
_BRONZE = Material(("#5d8a76", "#3d6a63", "#b98a4e"), grain=0.25)
_TERRACOTTA = Material(("#c0653f", "#97472b", "#e7a878"), grain=0.22)
_OAK = Material(("#9a6f43", "#6e4a2a", "#c79d68"), grain=0.25, cell=(9.0, 9.0, 0.14))
_LAPIS = Material(("#2f5597", "#243a73", "#c9a24b"), grain=0.22)
_MOSS = Material(("#6b7f3f", "#4a5e2d", "#a9a85a"), grain=0.2, contrast=0.45)


def _turn(degrees: float) -> Array:
    """Rotation about the vertical."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _box(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], material: Material) -> Solid:
    low, high = np.array([x, y, z]).T
    return Solid("box", (low + high) / 2, (high - low) / 2, material)


def _column(x: float, y: float, radius: float, height: float) -> list[Solid]:
    half, r = height / 2, radius
    return [
        _box((x - 1.5 * r, x + 1.5 * r), (y - 1.5 * r, y + 1.5 * r), (0, 0.25), _GRANITE),
        Solid("cylinder", (x, y, 0.32), (1.25 * r, 1.25 * r, 0.09), _LIMESTONE),
        Solid("cylinder", (x, y, half), (r, r, half), _MARBLE),
        Solid("cylinder", (x, y, height - 0.1), (1.25 * r, 1.25 * r, 0.1), _LIMESTONE),
        _box((x - 1.5 * r, x + 1.5 * r), (y - 1.5 * r, y + 1.5 * r), (height - 0.02, height + 0.2), _LIMESTONE),
    ]


def _courtyard(random: np.random.Generator) -> list[Solid]:
    """A wall with a niche behind columns and a fountain, metres; the wall faces -y."""
    solids = [
        _box((-13, 13), (-9, 3.4), (-0.6, 0), _PAVING),
        _box((-13, -1.25), (1.0, 1.9), (-0.3, 4.0), _SANDSTONE),
        _box((1.25, 13), (1.0, 1.9), (-0.3, 4.0), _SANDSTONE),
        _box((-1.6, 1.6), (1.05, 1.85), (2.9, 3.95), _SANDSTONE),
        _box((-2, 2), (1.9, 2.5), (-0.3, 4.0), _BRICK),
        _box((-13.1, 13.1), (0.82, 2.0), (4.0, 4.22), _LIMESTONE),
        _box((-1.9, 1.9), (0.2, 1.95), (-0.1, 0.18), _LIMESTONE),
        _box((-1.6, 1.6), (0.55, 1.95), (0.1, 0.36), _LIMESTONE),
        # The statue in the niche.
        Solid("box", (0, 1.35, 0.66), (0.42, 0.36, 0.36), _GRANITE, _turn(8)),
        Solid("ball", (0, 1.35, 1.42), (0.36, 0.28, 0.5), _BRONZE, _turn(20)),
        Solid("ball", (0.03, 1.33, 2.1), (0.24, 0.24, 0.28), _BRONZE),
        # The fountain.
        Solid("cylinder", (-0.35, -1.35, 0.22), (1.05, 1.05, 0.24), _LIMESTONE),
        Solid("cylinder", (-0.35, -1.35, 0.47), (1.15, 1.15, 0.06), _GRANITE),
        Solid("cylinder", (-0.35, -1.35, 0.75), (0.2, 0.2, 0.4), _MARBLE),
        Solid("ball", (-0.35, -1.35, 1.1), (0.55, 0.55, 0.13), _MARBLE),
        Solid("ball", (-0.35, -1.35, 1.42), (0.26, 0.26, 0.26), _LAPIS),
        # Crates and jars.
        Solid("box", (2.55, -0.35, 0.4), (0.45, 0.4, 0.41), _OAK, _turn(24)),
        Solid("box", (2.6, -0.3, 1.05), (0.27, 0.3, 0.25), _OAK, _turn(-12)),
        Solid("box", (3.6, -0.2, 0.3), (0.33, 0.5, 0.31), _OAK, _turn(-30)),
        Solid("ball", (-2.75, -0.3, 0.5), (0.42, 0.42, 0.52), _TERRACOTTA),
        Solid("cylinder", (-2.75, -0.3, 1.04), (0.2, 0.2, 0.1), _TERRACOTTA),
        Solid("ball", (-3.65, 0.1, 0.32), (0.3, 0.3, 0.34), _LAPIS),
        Solid("ball", (-4.6, 0.55, 0.55), (0.75, 0.5, 0.7), _MOSS),
        Solid("ball", (4.9, 0.55, 0.5), (0.85, 0.5, 0.62), _MOSS),
    ]
    for x in (-5.9, -2.1, 2.1, 5.9):
        solids += _column(x, 0.55, 0.24, 3.7)
    for _ in range(14):  # stones on the ground, clear of everything above by their place in front
        x, y, r = random.uniform(-4.5, 4.5), random.uniform(-4.0, -2.75), random.uniform(0.07, 0.2)
        half = r * random.uniform((0.8, 0.8, 0.5), (1.4, 1.4, 0.9))
        solids.append(Solid("ball", (x, y, 0.6 * half[2]), half, _GRANITE, _turn(random.uniform(0, 180))))
    return solids


def _object(random: np.random.Generator) -> list[Solid]:
    """A still life about one metre high on a round plinth, metres."""
    solids = [
        Solid("cylinder", (0, 0, -0.06), (0.52, 0.52, 0.06), _GRANITE),
        Solid("cylinder", (0, 0, 0.05), (0.28, 0.28, 0.06), _MARBLE),
        Solid("box", (0, 0, 0.27), (0.2, 0.2, 0.17), _LAPIS, _turn(27)),
        Solid("ball", (0, 0, 0.58), (0.21, 0.17, 0.17), _TERRACOTTA, _turn(60)),
        Solid("cylinder", (0.02, 0.0, 0.76), (0.1, 0.1, 0.05), _MARBLE),
        Solid("ball", (0.03, 0.01, 0.9), (0.12, 0.12, 0.13), _BRONZE),
    ]
    small = (_MOSS, _BRONZE, _OAK, _MARBLE, _TERRACOTTA, _LAPIS, _LIMESTONE)
    for i, material in enumerate(small):
        angle, size = 2 * np.pi * (i + random.uniform(-0.2, 0.2)) / len(small), random.uniform(0.05, 0.09)
        center = (0.4 * np.cos(angle), 0.4 * np.sin(angle), size - 0.002)
        shape = ("box", "ball", "cylinder")[i % 3]
        half = size * np.array([random.uniform(0.75, 1.1), random.uniform(0.75, 1.1), 1])
        solids.append(Solid(shape, center, half, material, _turn(random.uniform(0, 90))))
    # The materials are made for things of the size of a house.
    return [replace(s, material=replace(s.material, grain=0.4 * s.material.grain, cell=None)) for s in solids]


_SCENES: dict[str, tuple[Callable[[np.random.Generator], list[Solid]], Callable[[int], Array]]] = {
    "courtyard": (_courtyard, partial(arc, target=(0, 0, 1.35), radius=7.2, height=0.55, degrees=75, wobble=0.05)),
    "object": (_object, partial(arc, target=(0, 0, 0.37), radius=2.15, height=0.75, degrees=360, wobble=0.06)),
}


def _named(name: str) -> tuple[Callable[[np.random.Generator], list[Solid]], Callable[[int], Array]]:
    if name not in _SCENES:
        raise ValueError(f"name: expected one of {', '.join(_SCENES)}, got {name!r}")
    return _SCENES[name]


def make_scene(name: str, seed: int = 0) -> Scene:
    """A named scene.

    Parameters
    ----------
    name : str
        ``"courtyard"``: a wall with a niche, columns and a fountain, seen from an arc in front; nearly every pixel
        has depth. ``"object"``: a still life on a plinth, seen from all round, with nothing behind it.
    seed : int
        Of textures and of where the small things lie.

    Returns
    -------
    Scene
        In metres, z up.
    """
    return Scene(_named(name)[0](np.random.Generator(np.random.Philox(seed))), seed)


def make_poses(name: str, num_views: int) -> Array:
    """``cam_from_world`` of the views from which a named scene is photographed, (num_views, 3, 4) float64."""
    if num_views < 1:
        raise ValueError(f"num_views: expected at least 1, got {num_views}")
    return _named(name)[1](num_views)
