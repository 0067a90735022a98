# SPDX-License-Identifier: Apache-2.0
"""What a caller of the reconstruction can choose, and what it reports while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EventKind = Literal["initialized", "registered", "adjusted", "finished", "skipped"]


@dataclass(frozen=True)
class Options:
    """Choices of ``reconstruct``. The defaults suit ordinary photographs.

    Parameters
    ----------
    refine_intrinsics : bool
        Whether focal lengths and distortion are unknowns. False where the cameras are calibrated.
    max_reprojection_error : float
        Pixels; an observation farther from its point's projection is dropped.
    min_triangulation_angle : float
        Degrees; a point needs two rays that meet at this angle or more.
    min_initial_inliers : int
        Matches that the first pair of a model must have, at least.
    min_resection_inliers : int
        Points that an image must see to be registered, at least.
    min_resection_ratio : float
        Share of the points matched with an image that must agree on its pose.
    min_model_size : int
        Images of a model, at least; smaller ones are dropped (unless there are no more photographs).
    num_threads : int
        Threads of the bundle adjustment; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on
        it.
    """

    refine_intrinsics: bool = True
    max_reprojection_error: float = 4.0
    min_triangulation_angle: float = 1.5
    min_initial_inliers: int = 30
    min_resection_inliers: int = 15
    min_resection_ratio: float = 0.25
    min_model_size: int = 3
    num_threads: int = 0

    def __post_init__(self) -> None:
        for name, least in (
            ("max_reprojection_error", 0.0),
            ("min_triangulation_angle", 0.0),
            ("min_initial_inliers", 8),
            ("min_resection_inliers", 6),
            ("min_resection_ratio", 0.0),
            ("min_model_size", 2),
            ("num_threads", 0),
        ):
            if not getattr(self, name) >= least:
                raise ValueError(f"{name}: expected {least} or more, got {getattr(self, name)}")


@dataclass(frozen=True)
class Event:
    """A step of the reconstruction.

    Parameters
    ----------
    kind : str
        ``"initialized"`` (a model began with two images), ``"registered"`` (an image joined), ``"adjusted"`` (all of
        the model was adjusted), ``"finished"`` (the model is complete), ``"skipped"`` (an image is in no model).
    names : tuple of str
        The photographs it is about; for an adjustment none are named.
    num_registered, num_images : int
        Images in models so far, and all.
    num_points : int
        Points of the current model.
    reason : str
        Why an image is skipped; empty otherwise.
    """

    kind: EventKind
    names: tuple[str, ...]
    num_registered: int
    num_images: int
    num_points: int
    reason: str = ""
