# SPDX-License-Identifier: Apache-2.0
"""Depth maps of a walk through a room against its depth sensor, beside correlation and semi-global matching in OpenCV
and numpy.

Both get the same views, sources and planes, and settings that were chosen on other views of the walk.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from benchmarks._harness import Contest, case, data_dir, timed
from benchmarks.mvs.bench_plane_sweep import homographies, warp

from fastcv import get_num_threads, mvs

OURS: dict[str, Any] = {"window": 11, "num_best": 4, "smoothing": mvs.SemiGlobal(p1=0.6, p2=4.5)}
NEAR, FAR, PLANES = 0.4, 8.0, 128
TOLERANCE = 0.05  # of the sensor's depth
PEER_WINDOW, PEER_P1, PEER_P2, PEER_EDGE = 11, 0.8, 6.0, 20.0


class Frame(NamedTuple):
    """A photograph of the walk, and what the sensor says: metres, 0 for none."""

    view: mvs.View
    truth: np.ndarray


def walk(folder: Path) -> list[Frame]:
    """All frames in order. Files hold camera-to-world poses, and a K that counts from the first pixel's centre."""
    K = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]]) @ np.loadtxt(folder / "K.txt").reshape(3, 3)
    frames = []
    for line in sorted((folder / "poses.txt").read_text().splitlines()):
        name, *numbers = line.split()
        pose = np.linalg.inv(np.array(numbers, float).reshape(4, 4))
        U, _, Vt = np.linalg.svd(pose[:3, :3])  # files hold rotations to a few digits
        stem = Path(name).stem
        image = cv2.imread(str(folder / "images" / f"{stem}.png"), cv2.IMREAD_COLOR_RGB)
        depth = cv2.imread(str(folder / "depth" / f"{stem}.png"), cv2.IMREAD_UNCHANGED)
        assert image is not None, stem
        assert depth is not None, stem
        frames.append(Frame(mvs.View(image, K, np.c_[U @ Vt, pose[:3, 3]]), depth / 1000))
    return frames


def nearest(frames: list[Frame], index: int, count: int = 4) -> list[mvs.View]:
    """The frames next to one, the earlier first of two equally near."""
    others = sorted((abs(i - index), i) for i in range(len(frames)) if i != index)
    return [frames[i].view for _, i in others[:count]]


def share_right(depth: np.ndarray, truth: np.ndarray) -> float:
    """Of the pixels that the sensor sees; those without a depth are wrong."""
    return float((np.abs(depth - truth) < TOLERANCE * truth)[truth > 0].mean())


def correlation_costs(reference: mvs.View, sources: list[mvs.View], depths: np.ndarray) -> np.ndarray:
    """1 - NCC, at most 1, the mean over the sources; 1 where the window is not in view. (H, W, D)."""
    window = (PEER_WINDOW, PEER_WINDOW)
    grey = [cv2.cvtColor(v.image, cv2.COLOR_RGB2GRAY).astype(np.float32) - 128 for v in [reference, *sources]]
    r, shape = grey[0], grey[0].shape
    ones, kernel = np.ones(shape, np.uint8), np.ones(window, np.uint8)
    mean_r = cv2.blur(r, window)
    var_r = cv2.max(cv2.subtract(cv2.blur(cv2.multiply(r, r), window), cv2.multiply(mean_r, mean_r)), 1.0)
    warps = [homographies(reference, source, depths) for source in sources]
    volume = np.empty((*shape, len(depths)), np.float32)
    for d in range(len(depths)):
        total = np.zeros(shape, np.float32)
        for image, planes in zip(grey[1:], warps, strict=True):
            s = warp(image, planes[d], shape)
            seen = cv2.erode(warp(ones, planes[d], shape, cv2.INTER_NEAREST), kernel)
            mean_s = cv2.blur(s, window)
            var_s = cv2.max(cv2.subtract(cv2.blur(cv2.multiply(s, s), window), cv2.multiply(mean_s, mean_s)), 1.0)
            covariance = cv2.subtract(cv2.blur(cv2.multiply(r, s), window), cv2.multiply(mean_r, mean_s))
            ncc = cv2.divide(covariance, cv2.sqrt(cv2.multiply(var_r, var_s)))
            total += cv2.min(cv2.max(cv2.subtract(1.0, cv2.multiply(ncc, seen, dtype=cv2.CV_32F)), 0.0), 1.0)
        volume[..., d] = total / len(sources)
    return volume


def step_costs(before: np.ndarray, p2: np.ndarray) -> np.ndarray:
    """What paths (N, D) add to the costs of their next pixels; p2 (N, 1)."""
    least = before.min(1, keepdims=True)
    result = np.minimum(before, least + p2)
    np.minimum(result[:, 1:], before[:, :-1] + PEER_P1, out=result[:, 1:])
    np.minimum(result[:, :-1], before[:, 1:] + PEER_P1, out=result[:, :-1])
    return result - least


def follow_rows(costs: np.ndarray, grey: np.ndarray, dx: int, total: np.ndarray) -> None:
    """Adds paths that come down, each row at once; dx is how far they move to the right in a row."""
    path = costs[0].copy()
    total[0] += path
    here, there = slice(max(dx, 0), costs.shape[1] + min(dx, 0)), slice(max(-dx, 0), costs.shape[1] - max(dx, 0))
    for y in range(1, len(costs)):
        difference = np.abs(grey[y, here] - grey[y - 1, there])[:, None]
        p2 = np.maximum(PEER_P2 * PEER_EDGE / (PEER_EDGE + difference), PEER_P1)
        now = costs[y].copy()
        now[here] += step_costs(path[there], p2)
        path = now
        total[y] += path


def sum_paths(costs: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Over eight directions: columns are rows of the transposed image, what goes up comes down in the flipped one."""
    total = np.zeros_like(costs)
    for flip in (slice(None), slice(None, None, -1)):
        for dx in (-1, 0, 1):
            follow_rows(costs[flip], grey[flip], dx, total[flip])
        follow_rows(costs.swapaxes(0, 1)[flip], grey.T[flip], 0, total.swapaxes(0, 1)[flip])
    return total


def peer_depth(reference: mvs.View, sources: list[mvs.View], depths: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(reference.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    total = sum_paths(correlation_costs(reference, sources, depths), grey)
    index = total.argmin(2).clip(1, len(depths) - 2)
    below, best, above = (np.take_along_axis(total, (index + i)[..., None], 2)[..., 0] for i in (-1, 0, 1))
    vertex = 0.5 * (below - above) / np.maximum(below - 2 * best + above, 1e-6)
    near, far = 1 / depths[0], 1 / depths[-1]
    return 1 / (near + (far - near) * (index + vertex.clip(-0.5, 0.5)) / (len(depths) - 1))


@case
def hololens(contest: Contest) -> None:
    """8 of 24 views of 540 x 360, whose poses are good to 1.5 px and whose walls are bare."""
    frames = walk(data_dir() / "mvs" / "hololens000")
    chosen = range(1, len(frames), 12 if contest.quick else 3)
    depths = mvs.inverse_depth_planes(NEAR, FAR, PLANES)
    cv2.setNumThreads(get_num_threads())
    pairs = [(frames[i].view, nearest(frames, i)) for i in chosen]

    def our_depth(view: mvs.View, sources: list[mvs.View]) -> np.ndarray:
        depth: np.ndarray = mvs.estimate_depth(view, sources, depths, **OURS).depth
        return depth

    ways: dict[str, Callable[..., np.ndarray]] = {"ours": our_depth, "theirs": partial(peer_depth, depths=depths)}
    # A first row warms up, as in the contest itself.
    rows = [[timed(partial(way, *pair)) for way in ways.values()] for pair in [pairs[0], *pairs]][1:]
    table = [
        {
            **{name: round(share_right(run.result, frames[i].truth), 4) for name, run in zip(ways, row, strict=True)},
            **{f"{name}_s": round(run.seconds, 3) for name, run in zip(ways, row, strict=True)},
            "ratio": round(row[1].seconds / row[0].seconds, 1),
        }
        for i, row in zip(chosen, rows, strict=True)
    ]
    contest.note(width=540, height=360, planes=PLANES, sources=4, share_within=TOLERANCE, views=table)

    def check(ours: list[np.ndarray], theirs: list[np.ndarray]) -> tuple[str, bool]:
        a, b = ([share_right(d, frames[i].truth) for i, d in zip(chosen, maps, strict=True)] for maps in (ours, theirs))
        text = (
            f"{np.mean(a):.1%} of the sensor's pixels within 5 %, theirs {np.mean(b):.1%}; {np.sum(np.greater(a, b))}"
        )
        return f"{text} of {len(a)} views better", float(np.mean(a)) > float(np.mean(b))

    contest.ours(lambda: [ways["ours"](*pair) for pair in pairs])
    contest.peer("opencv NCC + numpy SGM", cv2.__version__, lambda: [ways["theirs"](*p) for p in pairs], check=check)
