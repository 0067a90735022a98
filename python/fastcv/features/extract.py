# SPDX-License-Identifier: Apache-2.0
"""SIFT keypoints and RootSIFT descriptors of one image, found by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import check
from ..errors import MissingDependencyError

# Longer sides are reduced to this before detection, as COLMAP does: finer detail is mostly noise of the sensor.
MAX_SIDE = 3200
# OpenCV keeps |DoG| > threshold / layers on an image in [0, 1]; with 3 layers this is 0.0067, COLMAP's 0.02 / 3.
CONTRAST_THRESHOLD = 0.02
NUM_LAYERS = 3
# From OpenCV's keypoints to ours: +0.5 px because it counts from the centre of the first pixel, -0.25 px because it
# doubles the image with cv2.resize, whose pixel 2i lies at i - 0.25, yet halves coordinates as if that were i. (Its
# option enable_precise_upscale avoids the second part, but finds 3 % fewer matches that are no more accurate.)
OFFSET = np.float32(0.25)


@dataclass(frozen=True)
class Features:
    """What was detected in one image, strongest first.

    A place where two gradient orientations are strong has two rows with the same keypoint; ``match`` counts it once.

    Parameters
    ----------
    keypoints : (M, 2) float32 array
        Pixels of the image as it was given; (0, 0) is its top-left corner.
    scales : (M,) float32 array
        Standard deviation of the Gaussian at which the keypoint was found, in pixels of the image as given.
    orientations : (M,) float32 array
        Dominant gradient direction in radians, from the x axis towards the y axis, in [0, 2π).
    descriptors : (M, 128) uint8 array
        RootSIFT, scaled so that the Euclidean norm is 512.
    colors : (M, 3) uint8 array
        Colour of the pixel that holds the keypoint.
    """

    keypoints: NDArray[np.float32]
    scales: NDArray[np.float32]
    orientations: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    colors: NDArray[np.uint8]

    def __post_init__(self) -> None:
        dims: dict[str, int] = {}
        check("keypoints", self.keypoints, ("M", 2), ("float32",), dims)
        check("scales", self.scales, ("M",), ("float32",), dims)
        check("orientations", self.orientations, ("M",), ("float32",), dims)
        check("descriptors", self.descriptors, ("M", 128), ("uint8",), dims)
        check("colors", self.colors, ("M", 3), ("uint8",), dims)

    def __len__(self) -> int:
        return len(self.keypoints)


def extract(image: Any, *, max_features: int = 8192) -> Features:
    """Detect SIFT keypoints and describe them with RootSIFT.

    Safe to call from several threads: the heavy part releases the GIL. The result does not depend on threads.

    Parameters
    ----------
    image : (H, W) or (H, W, 3) uint8 array
        Grey or RGB.
    max_features : int, optional
        How many to keep at most, those of highest contrast.

    Returns
    -------
    Features

    Raises
    ------
    MissingDependencyError
        Where OpenCV is not installed.

    References
    ----------
    Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 2004.
    Arandjelović and Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012 (RootSIFT).

    Examples
    --------
    >>> import numpy as np
    >>> from fastcv import features
    >>> y, x = np.mgrid[:64, :96] + 0.5
    >>> blob = 200 * np.exp(-((x - 40.25) ** 2 + (y - 30.75) ** 2) / (2 * 4.0**2))
    >>> found = features.extract(blob.astype(np.uint8))
    >>> bool(np.abs(found.keypoints - [40.25, 30.75]).max() < 0.1)
    True
    """
    image = image if isinstance(image, np.ndarray) else np.asarray(image)
    check("image", image, ("H", "W") if image.ndim == 2 else ("H", "W", 3), ("uint8",))
    if max_features < 1:
        raise ValueError(f"max_features: expected 1 or more, got {max_features}")
    if min(image.shape[:2]) == 0:
        raise ValueError(f"image: expected at least one pixel, got {image.shape[:2]}")
    grey, zoom = _prepare(image)
    detector = _cv2().SIFT_create(
        nfeatures=max_features,
        nOctaveLayers=NUM_LAYERS,
        contrastThreshold=CONTRAST_THRESHOLD,
        edgeThreshold=10,
        sigma=1.6,
        enable_precise_upscale=False,
    )
    found, descriptors = detector.detectAndCompute(grey, None)
    table = np.array([(*k.pt, k.size, k.angle, k.response) for k in found], np.float32).reshape(-1, 5)
    # OpenCV keeps all that tie with the last one; the order is total, so it does not depend on OpenCV's threads.
    order = np.lexsort((*table.T[:4], -table[:, 4]))[:max_features]
    table = table[order]
    keypoints = (table[:, :2] + OFFSET) * zoom
    return Features(
        keypoints=keypoints,
        scales=table[:, 2] * np.float32(0.5 * zoom.mean()),
        orientations=np.deg2rad(table[:, 3]) % np.float32(2 * np.pi),
        descriptors=_root_sift(descriptors, order),
        colors=_colors(image, keypoints),
    )


def _cv2() -> ModuleType:
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "features.extract needs OpenCV for SIFT; install it with: pip install opencv-python-headless"
        ) from error
    return cv2


def _prepare(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The grey image, at most MAX_SIDE long, and the size of its pixels (x, y) in pixels of the given image."""
    cv2 = _cv2()
    image = np.ascontiguousarray(image)
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    ratio = MAX_SIDE / max(height, width)
    if ratio < 1:
        size = max(round(width * ratio), 1), max(round(height * ratio), 1)
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return grey, np.array([width / grey.shape[1], height / grey.shape[0]], np.float32)


def _root_sift(descriptors: NDArray[np.float32] | None, order: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Square root of the L1-normalised descriptor, scaled to norm 512 and rounded to bytes (COLMAP's scale)."""
    if descriptors is None:
        return np.empty((0, 128), np.uint8)
    chosen = descriptors[order]
    share = chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1)
    return np.minimum(np.rint(512 * np.sqrt(share)), 255).astype(np.uint8)


def _colors(image: NDArray[np.uint8], keypoints: NDArray[np.float32]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    column = np.clip(keypoints[:, 0].astype(np.intp), 0, width - 1)
    row = np.clip(keypoints[:, 1].astype(np.intp), 0, height - 1)
    colors = image[row, column]
    return np.repeat(colors[:, None], 3, axis=1) if image.ndim == 2 else colors
