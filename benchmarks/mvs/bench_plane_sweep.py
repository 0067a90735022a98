# SPDX-License-Identifier: Apache-2.0
"""Plane sweeps of a synthetic courtyard against loops over OpenCV's warps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from benchmarks._harness import Check, Contest, case

from fastcv import mvs
from fastcv.mvs.views import camera_of, source_from_reference
from fastcv.synthetic import make_dataset


def scene(contest: Contest) -> tuple[mvs.View, list[mvs.View], np.ndarray]:
    """A reference, four sources and the planes: 640 x 480 and 128, or a quarter of each."""
    width, height, planes = (320, 240, 32) if contest.quick else (640, 480, 128)
    data = make_dataset("courtyard", num_views=5, width=width, height=height, camera_model="PINHOLE", num_points=500)
    images = data.reconstruction.images
    K = data.reconstruction.cameras[1].matrix
    views = [mvs.View(image, K, images[i + 1].cam_from_world) for i, image in enumerate(data.images)]
    contest.note(width=width, height=height, planes=planes, sources=4, voxel_views=4 * width * height * planes)
    return (
        views[2],
        [*views[:2], *views[3:]],
        mvs.inverse_depth_planes(*mvs.depth_range(data.reconstruction, 3), planes),
    )


def homographies(reference: mvs.View, source: mvs.View, depths: np.ndarray) -> list[np.ndarray]:
    """Source from reference per plane, pixels counted from the first one's centre as OpenCV does."""
    to_center = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    A, b = source_from_reference(camera_of("reference", reference), camera_of("source", source))
    return [to_center @ (A + np.outer(b, [0, 0, 1 / d])) @ np.linalg.inv(to_center) for d in depths]


def warp(image: np.ndarray, homography: np.ndarray, shape: tuple[int, ...], mode: int = cv2.INTER_LINEAR) -> np.ndarray:
    return cv2.warpPerspective(image, homography, shape[1::-1], flags=mode | cv2.WARP_INVERSE_MAP)


def remap_maps(homography: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32)[:, None]
    h = homography.astype(np.float32)
    z = 1 / (h[2, 0] * x + h[2, 1] * y + h[2, 2])
    return (h[0, 0] * x + h[0, 1] * y + h[0, 2]) * z, (h[1, 0] * x + h[1, 1] * y + h[1, 2]) * z


def steps(image: np.ndarray) -> np.ndarray:
    """How far neighbours around each pixel differ at most, in grey levels, along x plus along y; mean over channels."""
    image = image.astype(np.float32).reshape(*image.shape[:2], -1)
    total = np.zeros(image.shape, np.float32)
    for axis in (0, 1):
        step = np.abs(np.diff(image, axis=axis, append=np.take(image, [-1], axis)))
        total += cv2.dilate(step, np.ones((3, 3))).reshape(image.shape)
    return total.mean(2)


def same_costs(pairs: list[tuple[np.ndarray, list[np.ndarray]]], window: int, rounding: float) -> Check:
    """Every cost within what rounding can do to it, where the window lies inside the reference and all sources see it.

    Positions are rounded to 1/32 px by OpenCV and to 1/128 px by fastcv, so samples (levels) differ by `rounding` and
    the steps between neighbours times 1/64 + 1/256. SAD is their mean; NCC moves by their root mean square over the
    deviation of the source's window. All in all these errors are noise: uniform and averaged over the window.
    """

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, (window, window), borderType=cv2.BORDER_REFLECT_101)

    def bound(image: np.ndarray, homography: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        error = rounding + (1 / 64 + 1 / 256) * warp(steps(image), homography, shape, cv2.INTER_NEAREST)
        if image.ndim == 3:
            return mean(error) / 255
        samples = warp(image, homography, shape)
        return np.sqrt(mean(error**2) / np.maximum(mean(samples**2) - mean(samples) ** 2, 1))

    def seen(d: int, shape: tuple[int, ...]) -> np.ndarray:
        views = [warp(np.ones(image.shape[:2], np.float32), planes[d], shape) for image, planes in pairs]
        return cv2.erode(np.min(views, axis=0), np.ones((window, window)), borderValue=0.0) > 0.999

    def check(ours: Any, theirs: Any) -> tuple[str, bool]:
        parts = []
        for d in range(0, len(ours), 4):
            bounds = np.mean([bound(image, planes[d], ours.shape[1:]) for image, planes in pairs], axis=0)
            parts.append((np.abs(ours[d] - theirs[d]) / bounds)[seen(d, ours.shape[1:]) & ~np.isnan(ours[d])])
        ratios = np.concatenate(parts)
        worst, noise = float(ratios.max()), float(np.sqrt(np.mean(ratios**2)) * window * 3**0.5)
        text = f"each of {ratios.size} costs within {worst:.2g} <= 1 of what rounding can do; noise {noise:.2g} <= 1"
        return text, worst <= 1 and noise <= 1

    return check


def grid_sample_sweep(
    reference: mvs.View, pairs: list[tuple[np.ndarray, list[np.ndarray]]]
) -> Callable[[], np.ndarray]:
    """SAD by torch, a plane at a time: what people write."""

    def tensor(image: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255

    height, width = reference.image.shape[:2]
    r, images = tensor(reference.image), [tensor(image) for image, _ in pairs]
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    pixels = torch.stack([x, y, torch.ones_like(x)], -1)
    to_grid = torch.tensor([2 / (width - 1), 2 / (height - 1)])

    def sweep() -> np.ndarray:
        volume = torch.empty(len(pairs[0][1]), height, width)
        for d in range(len(volume)):
            total = torch.zeros(height, width)
            for image, (_, planes) in zip(images, pairs, strict=True):
                p = pixels @ torch.from_numpy(planes[d]).float().T
                grid = p[..., :2] / p[..., 2:] * to_grid - 1
                total += (F.grid_sample(image, grid[None], align_corners=True) - r).abs().mean(1)[0]
            volume[d] = total / len(pairs)
        return volume.numpy()

    return sweep


@case
def sad_rgb(contest: Contest) -> None:
    reference, sources, depths = scene(contest)
    out = np.empty((len(depths), *reference.image.shape[:2]), np.float32)
    pairs = [(source.image, homographies(reference, source, depths)) for source in sources]
    shape = reference.image.shape

    def sweep(warped: Any) -> np.ndarray:
        volume = np.empty_like(out)
        for d in range(len(depths)):
            differences = [cv2.absdiff(warped(image, planes[d]), reference.image) for image, planes in pairs]
            total = np.zeros(shape, np.uint16)
            for difference in differences:
                total = cv2.add(total, difference, dtype=cv2.CV_16U)
            cv2.transform(total.astype(np.float32), np.full((1, 3), 1 / (3 * 255 * len(pairs)), np.float32), volume[d])
        return volume

    options: dict[str, Any] = {"cost": "sad", "window": 1, "num_best": 4, "truncation": 1.0, "out": out}
    contest.ours(lambda: mvs.plane_sweep(reference, sources, depths, **options))
    contest.bound(read_write_bytes=out.nbytes)
    check = same_costs(pairs, 1, 1 / 2 + 1 / 20)  # OpenCV rounds samples to levels, fastcv their sum to quarters
    perspective = "opencv warpPerspective"
    contest.peer(perspective, cv2.__version__, lambda: sweep(lambda i, h: warp(i, h, shape)), check=check)
    contest.peer(
        "opencv remap",
        cv2.__version__,
        lambda: sweep(lambda i, h: cv2.remap(i, *remap_maps(h, shape), cv2.INTER_LINEAR)),
        check=check,
    )
    contest.peer("torch grid_sample", torch.__version__, grid_sample_sweep(reference, pairs), check=check)


@case
def ncc_7x7(contest: Contest) -> None:
    reference, sources, depths = scene(contest)
    out = np.empty((len(depths), *reference.image.shape[:2]), np.float32)
    # Both get the same grey images; middle grey becomes 0, for less cancellation in the peer's variances.
    reference, *sources = (v._replace(image=cv2.cvtColor(v.image, cv2.COLOR_RGB2GRAY)) for v in [reference, *sources])
    grey = [v.image.astype(np.float32) - 128 for v in [reference, *sources]]
    pairs = [(g, homographies(reference, source, depths)) for g, source in zip(grey[1:], sources, strict=True)]
    r, shape = grey[0], grey[0].shape

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, (7, 7), borderType=cv2.BORDER_REFLECT_101)

    mean_r = mean(r)
    var_r = np.maximum(mean(r * r) - mean_r * mean_r, 1.0)

    def sweep() -> np.ndarray:
        volume = np.empty_like(out)
        for d in range(len(depths)):
            total = np.zeros(shape, np.float32)
            for image, planes in pairs:
                s = warp(image, planes[d], shape)
                mean_s = mean(s)
                var_s = cv2.subtract(mean(cv2.multiply(s, s)), cv2.multiply(mean_s, mean_s))
                covariance = cv2.subtract(mean(cv2.multiply(r, s)), cv2.multiply(mean_r, mean_s))
                deviation = cv2.sqrt(cv2.multiply(cv2.max(var_s, 1.0), var_r))
                total += cv2.divide(covariance, deviation)
            volume[d] = 1 - total / len(pairs)
        return volume

    contest.ours(lambda: mvs.plane_sweep(reference, sources, depths, num_best=4, out=out))
    contest.peer("opencv warpPerspective + blur", cv2.__version__, sweep, check=same_costs(pairs, 7, 1 / 16 + 0.01))


@case
def ncc_7x7_depth(contest: Contest) -> None:
    """The fused op against storing the costs first."""
    reference, sources, depths = scene(contest)
    contest.ours(lambda: mvs.estimate_depth(reference, sources, depths).depth)
    contest.peer(
        "fastcv in two steps",
        "",
        lambda: mvs.winner_take_all(mvs.plane_sweep(reference, sources, depths), depths).depth,
        check=lambda a, b: ("same bits", np.array_equal(a, b)),
    )
