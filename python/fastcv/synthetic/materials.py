# SPDX-License-Identifier: Apache-2.0
"""Solid textures: coloured fractal noise and masonry, evaluated at any point and sharp at any distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .noise import Floats, hash_cells, uniform, value_noise

DISPLAY_GAMMA = 2.2
_LACUNARITY = 2.03  # not 2, so that the lattices of two octaves never coincide
_PERSISTENCE = 0.9  # rougher than 1/f (0.5): corners and blobs of similar contrast at every scale
_FINEST = 0.001  # scene units; no octave is finer than this
# Turning the lattice between octaves hides its axes, to which value noise is aligned otherwise.
_TURN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]], np.float32)


@dataclass(frozen=True)
class Material:
    """What a surface is made of.

    Parameters
    ----------
    colors : (str, str, str)
        sRGB as ``"#rrggbb"``: two that blend softly, and one for the specks and veins in them.
    grain : float
        Size of the largest features in scene units; octaves of half that size and so on follow.
    contrast : float
        Standard size of the brightness variation of one octave, as a fraction.
    cell : (float, float, float), optional
        Size of the bricks or slabs that the solid is laid from, in scene units along its own axes.
    """

    colors: tuple[str, str, str]
    grain: float = 0.5
    contrast: float = 0.4
    cell: tuple[float, float, float] | None = None


def linear_from_hex(color: str) -> Floats:
    """``"#rrggbb"`` to linear light, (3,) float32 in [0, 1]."""
    return np.array([(int(color[i : i + 2], 16) / 255) ** DISPLAY_GAMMA for i in (1, 3, 5)], np.float32)


def smoothstep(low: float | Floats, high: float | Floats, x: Floats) -> Floats:
    """0 below ``low``, 1 above ``high``, a cubic between."""
    t = np.clip((x - low) / (high - low), np.float32(0), np.float32(1))
    return t * t * (np.float32(3) - np.float32(2) * t)


def _turn(points: Floats, scale: float) -> Floats:
    """Rotate and scale points, written out so that the result never depends on a BLAS library."""
    x, y, z = points.T
    rows = _TURN * np.float32(scale)
    return np.stack([row[0] * x + row[1] * y + row[2] * z for row in rows]).T


def _masonry(points: Floats, cell: tuple[float, float, float], footprint: Floats, seed: int) -> tuple[Floats, Floats]:
    """Random tone of the brick that holds each point, and how much of the point is joint (0 to 1)."""
    size = np.array(cell, np.float32)
    x, y, z = points.T
    y, z = y / size[1] + np.float32(0.5), z / size[2] + np.float32(0.5)
    course = np.zeros((3, len(x)), np.int32).T
    course[:, 1], course[:, 2] = np.floor(y), np.floor(z)
    x = x / size[0] + uniform(hash_cells(course, seed))  # each course starts at its own place
    course[:, 0] = np.floor(x)
    words = hash_cells(course, seed + 1)
    to_joint = [(0.5 - np.abs(c - np.floor(c) - 0.5)) * s for c, s in zip((x, y, z), size, strict=True)]
    distance = np.minimum(np.minimum(to_joint[0], to_joint[1]), to_joint[2])
    width = np.float32(0.06) * size.min()
    joint = np.float32(1) - smoothstep(width - footprint, width + footprint + np.float32(1e-4), distance)
    return uniform(words), joint


def albedo(material: Material, points: Floats, footprint: Floats, seed: int) -> Floats:
    """Reflectance of a material.

    Parameters
    ----------
    points : (N, 3) float32 array
        Positions in the frame of the solid, in scene units.
    footprint : (N,) float32 array
        Distance between neighbouring samples on the surface, in scene units: octaves that such samples cannot carry
        (wavelength below two samples, Nyquist) fade out, so nothing aliases. 0 keeps every octave.
    seed : int

    Returns
    -------
    (N, 3) float32 array, linear light
    """
    first, second, accent = (linear_from_hex(color) for color in material.colors)
    brightness = np.zeros(len(points), np.float32)
    blend = specks = brightness
    wavelength, place, octave = material.grain, points * np.float32(1 / material.grain), 0
    limit = max(float(footprint.min(initial=np.inf)) if len(points) else 0.0, _FINEST)
    while wavelength > limit or octave < 3:
        weight = np.clip(np.float32(wavelength) / np.maximum(footprint, np.float32(1e-9)) - 1, 0, 1)
        bright, *other = value_noise(place, seed + octave, 2 if octave in (0, 2) else 1)
        brightness = brightness + weight * (bright - np.float32(0.5)) * np.float32(_PERSISTENCE**octave)
        if octave == 0:
            blend = other[0]
        elif octave == 2:
            specks = other[0]
        wavelength, place, octave = wavelength / _LACUNARITY, _turn(place, _LACUNARITY), octave + 1
    blend = smoothstep(0.25, 0.75, blend)
    specks = smoothstep(0.62, 0.72, specks + np.float32(0.22) * brightness)  # with frayed outlines
    joint = None
    if material.cell is not None:
        tone, joint = _masonry(points, material.cell, footprint, seed)
        blend = np.clip(blend * np.float32(0.5) + tone * np.float32(0.75) - np.float32(0.125), 0, 1)
        brightness = brightness + (tone - np.float32(0.5)) * np.float32(0.6)
    shade = np.exp(brightness * np.float32(2 * material.contrast))
    if joint is not None:
        shade = shade * (np.float32(1) - np.float32(0.7) * joint)
    channels = []
    for a, b, c in zip(first, second, accent, strict=True):
        base = a + (b - a) * blend
        channels.append((base + (c - base) * specks) * shade)
    return np.stack(channels).T
