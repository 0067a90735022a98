# SPDX-License-Identifier: Apache-2.0
"""What a report is made from: plain data, so that the report knows nothing of how it came about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..ba import Iteration
from ..mesh import Mesh
from ..scene import Camera, Reconstruction

Picture = NDArray[np.uint8]  # (H, W, 3) sRGB


@dataclass(frozen=True)
class Photo:
    """One photograph and what became of it.

    Parameters
    ----------
    name : str
    load : callable
        Returns the picture, in any size with the photograph's proportions.
    width, height : int
        Size of the photograph in pixels.
    keypoints : (M, 2) float array
        In pixels of the photograph, (0, 0) at its top-left corner.
    has_point : (M,) bool array
        Which keypoints see a point of the reconstruction.
    residuals : (K,) float array
        Reprojection errors of those keypoints in pixels.
    camera_id : int
    registered : bool
        Whether its pose was found, in the largest model.
    depth : callable, optional
        Returns its depth map, (H, W) float32 with 0 for none.
    """

    name: str
    load: Callable[[], Picture]
    width: int
    height: int
    keypoints: NDArray[np.floating]
    has_point: NDArray[np.bool_]
    residuals: NDArray[np.floating]
    camera_id: int
    registered: bool
    depth: Callable[[], NDArray[np.float32]] | None = None


@dataclass(frozen=True)
class Pair:
    """Verified matches of two photographs, given by their rows in ``Contents.photos``; points in pixels, (K, 2)."""

    first: int
    second: int
    points1: NDArray[np.floating]
    points2: NDArray[np.floating]


@dataclass(frozen=True)
class Cloud:
    """Points to show: ``xyz`` (N, 3) in the frame of the model, ``rgb`` (N, 3) uint8."""

    xyz: NDArray[np.floating]
    rgb: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Head:
    """What every report shows beside its pictures.

    Parameters
    ----------
    title : str
    lead : str
        One sentence that says how it went.
    figures : sequence of (label, value)
        The most important numbers, for tiles.
    facts : mapping of heading to sequence of (label, value)
        Further tables of numbers: models, options, versions.
    warnings : sequence of str
    files : sequence of (path, what it holds)
    """

    title: str
    lead: str
    figures: Sequence[tuple[str, str]]
    facts: Mapping[str, Sequence[tuple[str, str]]]
    warnings: Sequence[str]
    files: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Contents(Head):
    """Everything that the report of a reconstruction shows.

    Parameters
    ----------
    photos : sequence of Photo
    inliers : (N, N) int array
        Verified matches of every two photographs, symmetric, 0 for none.
    pairs : sequence of Pair
        Those to show as pictures.
    model : Reconstruction
        The largest model.
    cloud : Cloud
        Dense where there is one, else sparse.
    seconds : mapping of stage to seconds
    """

    photos: Sequence[Photo]
    inliers: NDArray[np.integer]
    pairs: Sequence[Pair]
    model: Reconstruction
    cloud: Cloud
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """A bundle at one moment of its adjustment.

    Parameters
    ----------
    label : str
    xyz : (N, 3) float array
    cam_from_world : (I, 3, 4) float array
    errors : (K,) float array
        Reprojection errors in pixels.
    """

    label: str
    xyz: NDArray[np.floating]
    cam_from_world: NDArray[np.floating]
    errors: NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Adjustment(Head):
    """Everything that the report of a bundle adjustment shows.

    Parameters
    ----------
    iterations : sequence of Iteration
        Those of ``fastcv.ba.Result``, the start first.
    before, after : State
        With the same points, images and observations.
    cameras : sequence of Camera
        That of each image, after.
    rgb : (N, 3) uint8 array or None
        Colours of the points, if they are known.
    """

    iterations: Sequence[Iteration]
    before: State
    after: State
    cameras: Sequence[Camera]
    rgb: NDArray[np.uint8] | None


@dataclass(frozen=True)
class DepthView:
    """One view of multi-view stereo and what became of it.

    Parameters
    ----------
    name : str
    load : callable
        Returns the picture, in any size with the view's proportions.
    facts : mapping of column to text
        Its row of the table; all views have the same columns.
    sources : sequence of (name, why)
        The views that it was matched with.
    depth : callable, optional
        Returns its depth map, (H, W) float32 with 0 for none.
    """

    name: str
    load: Callable[[], Picture]
    facts: Mapping[str, str]
    sources: Sequence[tuple[str, str]]
    depth: Callable[[], NDArray[np.float32]] | None = None


@dataclass(frozen=True, kw_only=True)
class Densification(Head):
    """Everything that the report of multi-view stereo shows.

    Parameters
    ----------
    views : sequence of DepthView
    model : Reconstruction
        Cameras and poses of the views.
    cloud : Cloud
    seconds : mapping of stage to seconds
    """

    views: Sequence[DepthView]
    model: Reconstruction
    cloud: Cloud
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class SurfaceView:
    """One view that a surface was made from, and what it shows of the surface.

    Parameters
    ----------
    name : str
    facts : mapping of column to text
        Its row of the table; all views have the same columns.
    pictures : sequence of (label, callable)
        The callables return the pictures to show side by side; none where the view is in the table alone.
    """

    name: str
    facts: Mapping[str, str]
    pictures: Sequence[tuple[str, Callable[[], Picture]]] = ()


@dataclass(frozen=True, kw_only=True)
class Surface(Head):
    """Everything that the report of a surface shows.

    Parameters
    ----------
    turntable : sequence of Picture
        The surface from all around.
    mesh : Mesh or None
        Small enough for a page; None where there is no surface.
    model : Reconstruction
        Cameras and poses of the views.
    views : sequence of SurfaceView
    views_note : str
        What their pictures show.
    seconds : mapping of stage to seconds
    """

    turntable: Sequence[Picture]
    mesh: Mesh | None
    model: Reconstruction
    views: Sequence[SurfaceView]
    views_note: str
    seconds: Mapping[str, float]
