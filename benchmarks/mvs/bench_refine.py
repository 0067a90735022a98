# SPDX-License-Identifier: Apache-2.0
"""One iteration of refinement on a synthetic courtyard against the same number of planes by torch's grid_sample."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from benchmarks._harness import Check, Contest, case

from fastcv import mvs
from fastcv.mvs import _refine_reference as reference
from fastcv.mvs.views import PIXEL_CENTERS, camera_of, source_from_reference
from fastcv.synthetic import make_dataset

WINDOW, NUM_SOURCES, NUM_BEST = 11, 4, 2
BAND = 120  # rows
PLANES = 13  # judged for each pixel: its own, those of 8 neighbours, 3 changes and a random one
NEIGHBORS = [(0, -1), (0, 1), (-1, 0), (1, 0), (0, -5), (0, 5), (-5, 0), (5, 0)]


class Courtyard(NamedTuple):
    """What is refined, and its truth."""

    reference: mvs.View
    sources: list[mvs.View]
    start: mvs.DepthMap
    limits: tuple[float, float]
    truth: np.ndarray


def courtyard(contest: Contest) -> Courtyard:
    """640 x 480 with four sources, or half of each side; grey, for both use nothing else."""
    width, height = (320, 240) if contest.quick else (640, 480)
    data = make_dataset("courtyard", num_views=5, width=width, height=height, camera_model="PINHOLE", num_points=500)
    K, images = data.reconstruction.cameras[1].matrix, data.reconstruction.images
    grey = [reference.levels(mvs.View(image, K, np.eye(3, 4)), 1)[..., 0].astype(np.uint8) for image in data.images]
    views = [mvs.View(image, K, images[i + 1].cam_from_world) for i, image in enumerate(grey)]
    sources, limits = [*views[:2], *views[3:]], mvs.depth_range(data.reconstruction, 3)
    planes = mvs.inverse_depth_planes(*limits, mvs.num_inverse_depth_planes(views[2], sources, *limits))
    samples = NUM_SOURCES * PLANES * (WINDOW // 2 + 1) ** 2 * width * height
    contest.note(width=width, height=height, sources=NUM_SOURCES, planes_per_pixel=PLANES, samples=samples)
    return Courtyard(views[2], sources, mvs.estimate_depth(views[2], sources, planes), limits, data.depths[2])


class Matcher:
    """Costs of a plane (a, b, w) for every pixel of a band, inverse depth w + a dx + b dy.

    A sample of all windows at a time, in bands that fit into caches: whole windows at once, (36, H, W), take eight
    times as long, whole images of 640 x 480 five times.
    """

    def __init__(self, yard: Courtyard, rows: slice):
        self.rows = rows
        image = torch.from_numpy(yard.reference.image).float()
        y, x = (grid[rows] for grid in torch.meshgrid(*map(torch.arange, image.shape), indexing="ij"))
        steps = range(-(WINDOW // 2), WINDOW // 2 + 1, 2)
        self.offsets = [(dx, dy) for dy in steps for dx in steps]
        samples, weights = [], []
        for dx, dy in self.offsets:
            value, inside = sample(image, x + dx, y + dy)
            spatial = (dx**2 + dy**2) / (WINDOW // 2) ** 2
            tonal = ((value - image[rows]) / reference.TONAL_DEVIATION) ** 2
            samples.append(value)
            weights.append(torch.exp(-0.5 * (spatial + tonal)) * inside)
        total = torch.stack(weights).sum(0)
        self.weights = [weight / total for weight in weights]
        mean = sum(w * value for w, value in zip(self.weights, samples, strict=True))
        self.products = [w * (value - mean) for w, value in zip(self.weights, samples, strict=True)]
        variance = sum(p * (value - mean) for p, value in zip(self.products, samples, strict=True))
        self.inv_deviation, self.textured = variance.clamp(min=1).rsqrt(), variance >= 1
        self.sources = []
        for source in yard.sources:
            cameras = [camera_of("view", view) for view in (yard.reference, source)]
            A, b = source_from_reference(*[(PIXEL_CENTERS @ K, pose) for K, pose in cameras])
            rays = [float(A[i, 0]) * x + float(A[i, 1]) * y + float(A[i, 2]) for i in range(3)]
            self.sources.append((torch.from_numpy(source.image).float() - 128, A.tolist(), b.tolist(), rays))

    def cost(self, planes: torch.Tensor) -> torch.Tensor:
        """Of the band's pixels, infinite where no source sees the window."""
        a, b, w = planes[:, self.rows]
        costs = []
        for picture, A, t, rays in self.sources:
            center = [torch.add(rays[i], w, alpha=t[i]) for i in range(3)]
            right, down = ([A[i][k] + t[i] * slope for i in range(3)] for k, slope in ((0, a), (1, b)))
            sums, products, squares = (torch.zeros_like(w) for _ in range(3))
            seen = self.textured
            for (dx, dy), weight, product in zip(self.offsets, self.weights, self.products, strict=True):
                p = [c.add(r, alpha=dx).add_(d, alpha=dy) for c, r, d in zip(center, right, down, strict=True)]
                value, inside = sample(picture, p[0].div_(p[2]), p[1].div_(p[2]))
                weighted = weight * value
                sums += weighted
                squares.addcmul_(weighted, value)
                products.addcmul_(product, value)
                seen = seen & ((inside & (p[2] > 0)) | (weight <= 0))
            ncc = products * self.inv_deviation * (squares - sums**2).clamp(min=1).rsqrt()
            costs.append(torch.where(seen, 1 - ncc, torch.inf))
        best = torch.stack(costs).sort(0).values[:NUM_BEST]
        count = best.isfinite().sum(0)
        return torch.where(count > 0, torch.where(best.isfinite(), best, 0).sum(0) / count, torch.inf)


def sample(image: torch.Tensor, u: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Bilinear values, and where they are inside."""
    height, width = image.shape
    inside = (u >= 0) & (v >= 0) & (u <= width - 1) & (v <= height - 1)
    grid = torch.stack([u * (2 / (width - 1)) - 1, v * (2 / (height - 1)) - 1], -1)
    return F.grid_sample(image[None, None], grid[None], align_corners=True)[0, 0], inside


def torch_iteration(yard: Courtyard, matchers: list[Matcher], start: torch.Tensor, step: float) -> torch.Tensor:
    """Planes after one iteration, all pixels at once: 8 neighbours, changes of depth and slopes, a random plane."""
    generator = torch.Generator().manual_seed(0)
    near, far = yard.limits

    def noise() -> torch.Tensor:
        return torch.rand(start[0].shape, generator=generator) * 2 - 1

    def costs(candidate: torch.Tensor) -> torch.Tensor:
        return torch.cat([matcher.cost(candidate) for matcher in matchers])

    planes, best = start.clone(), costs(start)

    def consider(candidate: torch.Tensor) -> None:
        nonlocal planes, best
        cost = costs(candidate)
        better = (cost < best) & (candidate[2] >= 1 / far) & (candidate[2] <= 1 / near)
        planes, best = torch.where(better, candidate, planes), torch.where(better, cost, best)

    for dx, dy in NEIGHBORS:
        a, b, w = start.roll((dy, dx), (1, 2))
        consider(torch.stack([a, b, w + a * dx + b * dy]))
    slope = 2e-3 * planes[2].mean()
    consider(planes + torch.stack([torch.zeros_like(best), torch.zeros_like(best), step * noise()]))
    consider(planes + slope * torch.stack([noise(), noise(), torch.zeros_like(best)]))
    consider(planes + torch.stack([slope * noise(), slope * noise(), step * noise()]))
    consider(torch.stack([slope * noise(), slope * noise(), 1 / far + (1 / near - 1 / far) * (noise() + 1) / 2]))
    return planes


def slopes_of(yard: Courtyard, depth: np.ndarray, normals: np.ndarray) -> torch.Tensor:
    """Planes (a, b, w), 0 where there is no depth."""
    K = np.asarray(yard.reference.K)
    y, x = np.mgrid[: depth.shape[0], : depth.shape[1]] + 0.5
    row = normals @ np.linalg.inv(K)
    facing = row[..., 0] * x + row[..., 1] * y + row[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        planes = np.stack([row[..., 0] / facing, row[..., 1] / facing, np.ones_like(x)]) / depth
    return torch.from_numpy(np.where(depth > 0, planes, 0)).float()


def same_costs(yard: Courtyard) -> Check:
    """Our costs are those of our planes by the float64 reference, and our depths are as good as theirs."""

    def depth_of(planes: torch.Tensor) -> np.ndarray:
        return np.where(planes[2] > 0, 1 / planes[2].clamp(min=1e-9), 0)

    def share(depth: np.ndarray) -> float:
        return float(np.mean(np.abs(depth - yard.truth)[yard.truth > 0] < 0.01 * yard.truth[yard.truth > 0]))

    def check(ours: mvs.RefinedDepth, theirs: torch.Tensor) -> tuple[str, bool]:
        views = yard.reference, yard.sources
        expected = reference.plane_costs(*views, ours.depth, ours.normals, window=WINDOW, num_best=NUM_BEST)
        # Positions are rounded to 1/128 px in float32 and in float64: where a window's border falls on that of a
        # source's image, only one of them may see it.
        both = np.isfinite(ours.cost) & np.isfinite(expected)
        missing, off = float(np.mean(both != (ours.depth > 0))), float(np.abs(ours.cost - expected)[both].mean())
        before, after, peer = share(yard.start.depth), share(ours.depth), share(depth_of(theirs))
        text = (
            f"mean difference to float64 costs {off:.1g} <= 1e-3, {missing:.1g} <= 1e-3 of the pixels undecided; "
            f"within 1 % of truth {after:.1%} >= {peer:.1%}, {before:.1%} at the start"
        )
        return text, off <= 1e-3 and missing <= 1e-3 and after >= peer > before

    return check


@case
def refine_depth(contest: Contest) -> None:
    yard = courtyard(contest)
    normals = mvs.depth_normals(yard.reference, yard.start.depth)
    options: dict[str, Any] = {"normals": normals, "depth_range": yard.limits, "window": WINDOW, "num_best": NUM_BEST}
    contest.ours(lambda: mvs.refine_depth(yard.reference, yard.sources, yard.start, num_iterations=1, **options))
    near, far = yard.limits
    step = (1 / near - 1 / far) / (mvs.num_inverse_depth_planes(yard.reference, yard.sources, near, far) - 1)
    start = slopes_of(yard, yard.start.depth, normals)
    matchers = [Matcher(yard, slice(row, row + BAND)) for row in range(0, len(yard.truth), BAND)]

    def peer() -> torch.Tensor:
        with torch.no_grad():
            return torch_iteration(yard, matchers, start, step)

    contest.peer("torch grid_sample", torch.__version__, peer, check=same_costs(yard))
