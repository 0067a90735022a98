# SPDX-License-Identifier: Apache-2.0
"""MVSNet's variance volume and its gradients against the same in torch: warping by grid_sample, sums over views.

``beyond_result_bytes`` is the most memory that the process had while a contestant ran, less what it had before and less
the result, which is the same for all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks._harness import Check, Contest, Timing, case

from fastcv import mvs
from fastcv.mvs.views import camera_of
from fastcv.synthetic import make_dataset

CHANNELS = 32


def scene(contest: Contest, planes: int) -> tuple[mvs.View, list[mvs.View], torch.Tensor]:
    """A reference, four sources with random features of 32 channels, and depths of planes: 160 x 120, or a quarter."""
    width, height, planes = (80, 60, planes // 4) if contest.quick else (160, 120, planes)
    data = make_dataset("courtyard", num_views=5, width=width, height=height, camera_model="PINHOLE", num_points=500)
    images = data.reconstruction.images
    K = data.reconstruction.cameras[1].matrix
    generator = torch.Generator().manual_seed(0)
    views = [
        mvs.View(torch.randn((CHANNELS, height, width), generator=generator), K, images[i].cam_from_world)
        for i in range(1, 6)
    ]
    contest.note(width=width, height=height, planes=planes, sources=4, channels=CHANNELS)
    depths = mvs.inverse_depth_planes(*mvs.depth_range(data.reconstruction, 3), planes)
    return views[2], [*views[:2], *views[3:]], torch.tensor(depths, dtype=torch.float32)


def projection(name: str, view: mvs.View) -> torch.Tensor:
    """(4, 4) from world to pixels that count from the first one's centre, as torch does."""
    K, pose = camera_of(name, view)
    matrix = np.eye(4)
    matrix[:3] = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]]) @ K @ pose
    return torch.from_numpy(matrix)


def homography_warp(source: mvs.View, source_from_reference: torch.Tensor, depths: torch.Tensor) -> torch.Tensor:
    """The source's features on every plane, (1, C, D, H, W); 0 where it sees none (Yao et al. 2018)."""
    channels, height, width = source.image.shape
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pixels = torch.stack([x, y, torch.ones_like(x)]).float().reshape(3, -1)
    rays = source_from_reference[:3, :3].float() @ pixels
    points = rays[:, None] * depths[None, :, None] + source_from_reference[:3, 3].float()[:, None, None]
    u, v = points[0] / points[2], points[1] / points[2]
    grid = torch.stack([2 * u / (width - 1) - 1, 2 * v / (height - 1) - 1], -1)
    warped = torch.nn.functional.grid_sample(
        source.image[None], grid.reshape(1, len(depths) * height, width, 2), align_corners=True
    )
    return warped.reshape(1, channels, len(depths), height, width)


def torch_variance(reference: mvs.View, sources: list[mvs.View], depths: torch.Tensor) -> torch.Tensor:
    """(1, C, D, H, W)."""
    from_world = torch.linalg.inv(projection("reference", reference))
    volume_sum = reference.image[None, :, None].repeat(1, 1, len(depths), 1, 1)
    volume_sq_sum = volume_sum**2
    for source in sources:
        warped = homography_warp(source, projection("source", source) @ from_world, depths)
        volume_sum = volume_sum + warped
        volume_sq_sum = volume_sq_sum + warped**2
    num_views = len(sources) + 1
    return volume_sq_sum / num_views - (volume_sum / num_views) ** 2


def memory(key: str) -> int:
    """Bytes of a line of /proc/self/status: VmRSS is what the process has now, VmHWM the most that it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(f"{key}:")).split()[1])


def with_memory(run: Callable[[], Any], result_bytes: int) -> Callable[[], Timing]:
    """``result_bytes``: of the result, where the run allocates it."""

    def measured() -> Timing:
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
        base, start = memory("VmRSS"), time.perf_counter()
        result = run()
        seconds = time.perf_counter() - start
        return Timing(seconds, result, facts={"beyond_result_bytes": memory("VmHWM") - base - result_bytes})

    return measured


def same_where_all_see(num_seen: torch.Tensor, tolerance: float) -> Check:
    """Where a source does not see a point, MVSNet takes zeros for its features, and fastcv leaves it out."""
    seen = (num_seen == 4).numpy()

    def check(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[str, bool]:
        worst = max(
            np.abs(ours[d].numpy() - theirs[0, :, d].permute(1, 2, 0).numpy())[seen[d]].max(initial=0)
            for d in range(len(ours))
        )
        share = f"where all sources see, {seen.mean():.0%}"
        return f"max difference {worst:.2g} <= {tolerance:g} {share}", bool(worst <= tolerance and seen.mean() > 0.3)

    return check


@case
def feature_variance(contest: Contest) -> None:
    reference, sources, depths = scene(contest, 192)
    num_seen = mvs.feature_volume(reference, sources, depths).num_seen
    out = torch.zeros((*num_seen.shape, CHANNELS))  # pages that are there: fresh ones cost more than the work
    options: dict[str, Any] = {"num_groups": CHANNELS}
    contest.ours(with_memory(lambda: mvs.feature_volume(reference, sources, depths, **options, out=out).values, 0))
    contest.bound(read_write_bytes=out.nbytes)

    def peer() -> torch.Tensor:
        with torch.no_grad():
            return torch_variance(reference, sources, depths)

    # Positions are off by some 1e-5 px in torch, where random features change by up to 8 a pixel, and so do products of
    # them that make a variance.
    check = same_where_all_see(num_seen, 4e-3)
    contest.peer("torch grid_sample", torch.__version__, with_memory(peer, out.nbytes), check=check)
    contest.peer(
        "fastcv on fresh pages",
        "",
        with_memory(lambda: mvs.feature_volume(reference, sources, depths, **options).values, out.nbytes),
        check=lambda a, b: ("same bits", torch.equal(a, b)),
    )


@case
def feature_variance_backward(contest: Contest) -> None:
    """A volume, and from gradients of it those of all features."""
    reference, sources, depths = scene(contest, 48)
    num_seen = mvs.feature_volume(reference, sources, depths).num_seen
    # Zero where a source does not see, for there the two volumes differ.
    upstream = torch.rand((*num_seen.shape, CHANNELS), generator=torch.Generator().manual_seed(1))
    upstream *= (num_seen == 4)[..., None]

    def gradients(volume: Callable[[mvs.View, list[mvs.View]], torch.Tensor], upstream: torch.Tensor) -> list[Any]:
        features = [view.image.clone().requires_grad_() for view in (reference, *sources)]
        views = [view._replace(image=f) for view, f in zip((reference, *sources), features, strict=True)]
        return [g.numpy() for g in torch.autograd.grad(volume(views[0], views[1:]), features, upstream)]

    def check(ours: list[np.ndarray], theirs: list[np.ndarray]) -> tuple[str, bool]:
        worst = max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(ours, theirs, strict=True))
        return f"max difference {worst:.2g} <= 1e-4 of the largest gradient", bool(worst <= 1e-4)

    result_bytes = sum(view.image.nbytes for view in (reference, *sources))
    contest.ours(
        with_memory(
            lambda: gradients(lambda r, s: mvs.feature_volume(r, s, depths, num_groups=CHANNELS).values, upstream),
            result_bytes,
        )
    )
    their_upstream = upstream.permute(3, 0, 1, 2)[None].contiguous()
    contest.peer(
        "torch grid_sample",
        torch.__version__,
        with_memory(lambda: gradients(lambda r, s: torch_variance(r, s, depths), their_upstream), result_bytes),
        check=check,
    )
