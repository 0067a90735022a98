# SPDX-License-Identifier: Apache-2.0
"""Synthetic problems of any size whose truth is known, for growth from thousands to millions of observations.

``street``: a car with two cameras drives round blocks and comes by again; tracks are short, the images' graph is a band
with loop closures. ``boulevard``: tourists photograph fronts, some houses more than others; tracks have a heavy tail.
The number of images in sight of a point does not depend on the size, so work should grow linearly with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from fastcv.io import BalProblem

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
STEP, BLOCK = 1.2, 34  # metres between images, images along a block
NOISE_PX, OUTLIERS, OUTLIER_PX = 0.5, 0.01, 20.0
HALF_WIDTH, HALF_HEIGHT = 0.72, 0.54  # of the image plane at depth 1
CHUNK = 1 << 13  # points at a time


@dataclass
class City:
    """World: z up, metres. Each point was drawn in view of an image, its anchor, and only images in a window around the
    anchor may see it, besides those around the anchor's ``mates``: other images at the same place, or -1."""

    centers: Array  # (I, 3)
    forward: Array  # (I, 3), unit
    focal: Array  # (I,) px
    points: Array  # (N, 3)
    anchors: Indices  # (N,)
    mates: Indices  # (I, M)
    window: int
    track_lengths: Indices  # (N,), wanted; at most as many as images see the point


def street(random: np.random.Generator, num_images: int) -> City:
    count = -(-num_images // BLOCK)
    side = max(3, int(np.sqrt(count)))
    node, heading, nodes = np.zeros(2, int), 0, []
    directions = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    for _ in range(count):
        nodes.append((*node, heading))
        node = node + directions[heading]
        turns = [turn % 4 for turn in (heading, heading + 1, heading + 3)]
        heading = random.choice([t for t in turns if (np.abs(node + directions[t]) <= side).all()])
    start, headings = np.array(nodes)[:, :2], np.array(nodes)[:, 2]
    along = np.arange(BLOCK) / BLOCK
    ground = start[:, None] + along[None, :, None] * directions[headings][:, None]
    centers = np.concatenate([STEP * BLOCK * ground, np.full((count, BLOCK, 1), 1.8)], axis=2).reshape(-1, 3)[
        :num_images
    ]
    centers += random.normal(0, 0.05, centers.shape)
    side_look = np.where(np.arange(num_images) % 2 == 0, 0.5, -0.5)  # two cameras in turn, left and right
    yaw = np.repeat(headings * np.pi / 2, BLOCK)[:num_images] + side_look + random.normal(0, 0.06, num_images)
    forward = np.stack([np.cos(yaw), np.sin(yaw), random.normal(0.05, 0.03, num_images)], axis=1)
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    place = np.repeat((start[:, 0] * 4 * side + start[:, 1]) * 4 + headings, BLOCK) * BLOCK
    anchors = np.sort(random.integers(0, num_images, 88 * num_images))
    return City(
        centers=centers,
        forward=forward,
        focal=random.normal(700, 8, num_images),
        points=in_view(random, centers, forward, anchors, depth=(5, 28)),
        anchors=anchors,
        mates=earlier((place + np.tile(np.arange(BLOCK), count))[:num_images]),
        window=30,
        track_lengths=2 + random.geometric(1 / 3.2, len(anchors)),
    )


def boulevard(random: np.random.Generator, num_images: int) -> City:
    width = 12.0  # metres of front that a typical 20 images look at
    houses = -(-num_images // 20)
    popularity = random.lognormal(0, 0.7, houses)
    house = random.choice(houses, num_images, p=popularity / popularity.sum())
    target = width * np.sort(house + random.random(num_images))
    distance = random.uniform(8, 30, num_images)
    aside = 0.4 * distance * random.normal(0, 1, num_images)
    centers = np.stack([target + aside, -distance, np.full(num_images, 1.7)], axis=1)
    aim = np.stack([target, np.zeros(num_images), random.uniform(2, 8, num_images)], axis=1) - centers
    forward = aim / np.linalg.norm(aim, axis=1, keepdims=True)
    anchors = np.sort(random.integers(0, num_images, 250 * num_images))
    points = in_view(random, centers, forward, anchors, depth=(1, 2))
    ray = points - centers[anchors]
    points = centers[anchors] + ray * ((random.uniform(-1, 1, len(anchors)) - centers[anchors, 1]) / ray[:, 1])[:, None]
    return City(
        centers=centers,
        forward=forward,
        focal=random.uniform(650, 1200, num_images),
        points=points,
        anchors=anchors,
        mates=np.full((num_images, 0), -1),
        window=60,
        track_lengths=2 + np.floor(1.6 * random.pareto(1.5, len(anchors))).astype(np.int64),
    )


LAYOUTS = {"street": street, "boulevard": boulevard}


def make_city(layout: str, num_images: int, seed: int = 0) -> tuple[BalProblem, float]:
    """A perturbed start, and the cost of the truth: 1/2 the sum of squared noise in px²."""
    random = np.random.Generator(np.random.Philox(seed))
    city = LAYOUTS[layout](random, num_images)
    rotations = look(city.forward)
    images, points = observations(random, city, rotations)
    images, points, kept_images, kept_points = prune(images, points, num_images, len(city.points))
    centers, rotations, xyz = city.centers[kept_images], rotations[kept_images], city.points[kept_points]
    count = len(centers)
    k1, k2 = random.normal(-0.06, 0.03, count), random.normal(0.01, 0.005, count)
    params = np.stack([city.focal[kept_images], k1, k2], axis=1)
    noise = NOISE_PX * random.standard_normal((len(images), 2))
    outliers = random.random(len(images)) < OUTLIERS
    noise[outliers] += random.uniform(-OUTLIER_PX, OUTLIER_PX, (outliers.sum(), 2))
    pixels = project(rotations[images], centers[images], params[images], xyz[points]) + noise
    pose, params, xyz = perturbed(random, rotations, centers, params, xyz, anchors=city.anchors[kept_points])
    bal = BalProblem(pose, params, xyz, images.astype(np.int32), points.astype(np.int32), pixels)
    return bal, 0.5 * float(np.sum(noise**2))


def perturbed(
    random: np.random.Generator, rotations: Array, centers: Array, params: Array, points: Array, anchors: Indices
) -> tuple[Array, Array, Array]:
    """Poses, params and points of the start: a drift along the images that carries points along, and noise on all."""
    count = len(centers)
    drift = np.cumsum(random.normal(0, 1, centers.shape), axis=0)
    drift *= 0.05 / np.abs(drift).max()
    rotations = Rotation.from_rotvec(random.normal(0, 0.002, (count, 3))).as_matrix() @ rotations
    centers = centers + drift + random.normal(0, 0.02, centers.shape)
    points = points + drift[np.minimum(anchors, count - 1)] + random.normal(0, 0.05, points.shape)
    pose = np.concatenate([rotations, -np.einsum("nij,nj->ni", rotations, centers)[:, :, None]], axis=2)
    focal = params[:, 0] * (1 + random.normal(0, 0.01, count))
    return pose, np.stack([focal, np.zeros(count), np.zeros(count)], axis=1), points


def look(forward: Array) -> Array:
    """Rotations of cameras, x right, y down, z forward, that hold z of the world up."""
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(forward, right), forward], axis=1)


def in_view(
    random: np.random.Generator, centers: Array, forward: Array, anchors: Indices, depth: tuple[float, float]
) -> Array:
    """A random world point in view of each anchor."""
    z = random.uniform(*depth, len(anchors))
    x, y = random.uniform(-0.6, 0.6, len(anchors)) * z, random.uniform(-0.45, 0.35, len(anchors)) * z
    local = np.stack([x, y, z], axis=1)
    return np.einsum("nji,nj->ni", look(forward)[anchors], local) + centers[anchors]


def earlier(place: Indices) -> Indices:
    """For each image the image before at the same place, or -1, (I, 1)."""
    order = np.argsort(place, kind="stable")
    mates = np.full((len(place), 1), -1)
    again = place[order[1:]] == place[order[:-1]]
    mates[order[1:][again], 0] = order[:-1][again]
    return mates


def observations(random: np.random.Generator, city: City, rotations: Array) -> tuple[Indices, Indices]:
    """Image and point of every observation, by point, then by image."""
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    near, far = np.arange(-city.window, city.window + 1), np.arange(-4, 5)
    for begin in range(0, len(city.points), CHUNK):
        rows = slice(begin, begin + CHUNK)
        anchors, points = city.anchors[rows, None], city.points[rows]
        mates = city.mates[anchors[:, 0]][:, :, None]
        around = np.where(mates >= 0, mates + far, -1).reshape(len(points), -1)
        images = np.concatenate([anchors + near, around], axis=1)
        exists = (images >= 0) & (images < len(city.centers))
        images = np.where(exists, images, 0)
        local = np.einsum("pwij,pwj->pwi", rotations[images], points[:, None] - city.centers[images])
        z = local[:, :, 2]
        seen = exists & (z > 3) & (z < 45)
        seen &= (np.abs(local[:, :, 0]) < HALF_WIDTH * z) & (np.abs(local[:, :, 1]) < HALF_HEIGHT * z)
        distance = np.concatenate([np.abs(near), np.zeros(around.shape[1])]) * (1 + random.random(images.shape))
        order = np.argsort(np.where(seen, distance, np.inf), axis=1)
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(images.shape[1])[None], axis=1)
        point, column = np.nonzero(seen & (rank < city.track_lengths[rows, None]))
        found.append((images[point, column], point + begin))
    images, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
    pairs = np.unique(points * len(city.centers) + images)  # a mate may lie in the window
    return pairs % len(city.centers), pairs // len(city.centers)


def prune(images: Indices, points: Indices, num_images: int, num_points: int) -> tuple[Indices, ...]:
    """Keep images with 20 observations and points with 2, and number what is left from 0."""
    while True:
        enough = np.bincount(images, minlength=num_images)[images] >= 20
        enough &= np.bincount(points, minlength=num_points)[points] >= 2
        if enough.all():
            break
        images, points = images[enough], points[enough]
    kept_images, images = np.unique(images, return_inverse=True)
    kept_points, points = np.unique(points, return_inverse=True)
    return images, points, kept_images, kept_points


def project(rotations: Array, centers: Array, params: Array, points: Array) -> Array:
    """Pixels of BAL's camera: f (1 + k1 r² + k2 r⁴) p."""
    local = np.einsum("nij,nj->ni", rotations, points - centers)
    p = local[:, :2] / local[:, 2:]
    r2 = np.sum(p**2, axis=1)
    return (params[:, 0] * (1 + params[:, 1] * r2 + params[:, 2] * r2**2))[:, None] * p
