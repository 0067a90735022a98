# SPDX-License-Identifier: Apache-2.0
"""Tracks of a model: new points, longer tracks, merged tracks, and removal of what does not fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import geometry
from .graph import Ints, expand
from .model import NONE, Floats, Model
from .options import Options

# Members of a track that take part in proposing its position; all members vote on every proposal.
MAX_PROPOSALS = 8


def create_points(model: Model, image: int, options: Options) -> int:
    """Make points from an image's free keypoints and the free keypoints matched with them; returns how many.

    Every match of a keypoint with another registered image proposes a position; the position that most members of the
    track agree with (truncated squared error) wins, and the members that agree triangulate it together.
    """
    anchors, starts, counts, members = _free_tracks(model, image)
    if not len(anchors):
        return 0
    # One proposal for each of the first members beside the anchor, which is each track's first.
    track, position = expand(starts + 1, np.minimum(counts - 1, MAX_PROPOSALS))
    two = np.stack([anchors[track], members[position]], axis=1)
    xyz = _triangulate(model, two.ravel(), np.arange(0, 2 * len(two) + 1, 2))
    wide = _angles(model, two, xyz) >= np.deg2rad(options.min_triangulation_angle)
    track, two, xyz = track[wide], two[wide], xyz[wide]
    # Every member votes on every proposal of its track.
    proposal, position = expand(starts[track], counts[track])
    error = model.errors(members[position], xyz[proposal])
    limit = options.max_reprojection_error
    cost = np.bincount(proposal, np.minimum(error, limit) ** 2, len(two))
    own = (members[position] == two[proposal, 0]) | (members[position] == two[proposal, 1])
    fits = np.bincount(proposal[own & (error <= limit)], minlength=len(two)) == 2
    order = np.lexsort((cost, track))
    order = order[fits[order]]
    _, first = np.unique(track[order], return_index=True)
    best = order[first]
    if not len(best):
        return 0
    chosen = np.full(len(two), NONE)
    chosen[best] = np.arange(len(best))
    keep = (chosen[proposal] >= 0) & (error <= limit)
    nodes, points = members[position[keep]], chosen[proposal[keep]]
    order = np.argsort(points, kind="stable")
    return _commit(model, xyz[best], nodes[order], points[order], limit)


def extend_tracks(model: Model, nodes: Ints, options: Options) -> int:
    """Let free nodes of registered images observe the points of their matches where they fit; returns how many do."""
    nodes = nodes[model.registered[model.graph.image_of[nodes]] & (model.point_of[nodes] == NONE)]
    owner, other = model.graph.neighbours(nodes)
    matched = model.point_of[other] >= 0
    node, point = nodes[owner[matched]], model.point_of[other[matched]]
    error = model.errors(node, model.xyz[point])
    fits = error <= options.max_reprojection_error
    node, point, error = node[fits], point[fits], error[fits]
    order = np.argsort(error, kind="stable")
    return observe(model, node[order], point[order])


def observe(model: Model, nodes: Ints, points: Ints) -> int:
    """Add observations, earlier ones first: a node observes one point, an image a point once. Returns how many."""
    taken = model.observations()
    image_of, num_images = model.graph.image_of, model.graph.num_images
    free = ~np.isin(points * num_images + image_of[nodes], taken[1] * num_images + image_of[taken[0]])
    free &= model.point_of[nodes] == NONE
    nodes, points = nodes[free], points[free]
    first = _is_first(nodes)
    nodes, points = nodes[first], points[first]
    first = _is_first(points * num_images + image_of[nodes])
    model.point_of[nodes[first]] = points[first]
    return int(first.sum())


def merge_points(model: Model, options: Options) -> int:
    """Merge points joined by a match where all their observations fit their mean; returns how many merged."""
    graph = model.graph
    p, q = model.point_of[graph.sources], model.point_of[graph.targets]
    joined = (p >= 0) & (p < q)
    couples, votes = np.unique(np.stack([p[joined], q[joined]], axis=1), axis=0, return_counts=True)
    # A point takes part in one merger at a time: the one that most matches ask for.
    couples = couples[np.argsort(-votes, kind="stable")]
    couples = couples[_is_first(couples[:, 0]) & _is_first(couples[:, 1])]
    couples = couples[~np.isin(couples[:, 1], couples[:, 0])]
    if not len(couples):
        return 0
    nodes, points = model.observations()
    merger = np.full(len(model.xyz), NONE)
    merger[couples[:, 0]] = merger[couples[:, 1]] = np.arange(len(couples))
    nodes, points = nodes[merger[points] >= 0], points[merger[points] >= 0]
    into = merger[points]
    length = np.bincount(points, minlength=len(model.xyz))[couples]
    xyz = (model.xyz[couples] * length[..., None]).sum(axis=1) / length.sum(axis=1, keepdims=True)
    misfits = np.bincount(into[model.errors(nodes, xyz[into]) > options.max_reprojection_error], minlength=len(couples))
    _, where, times = np.unique(into * graph.num_images + graph.image_of[nodes], return_index=True, return_counts=True)
    twice = np.bincount(into[where[times > 1]], minlength=len(couples))
    good = (misfits == 0) & (twice == 0)
    model.xyz[couples[good, 0]] = xyz[good]
    moved = good[into]
    model.point_of[nodes[moved]] = couples[into[moved], 0]
    return int(good.sum())


def filter_points(model: Model, options: Options) -> int:
    """Drop observations that do not fit, then points with fewer than two or with too narrow rays; returns how many
    observations went."""
    nodes, points = model.observations()
    before = len(nodes)
    good = model.errors(nodes, model.xyz[points]) <= options.max_reprojection_error
    nodes, points = nodes[good], points[good]
    long = np.bincount(points, minlength=len(model.xyz)) >= 2
    nodes, points = nodes[long[points]], points[long[points]]
    alive, starts = np.unique(points, return_index=True)
    offsets = np.append(starts, len(points)).astype(np.int64)
    angles = geometry.triangulation_angles(model.xyz[alive], model.centers(), model.graph.image_of[nodes], offsets)
    wide = np.repeat(angles >= np.deg2rad(options.min_triangulation_angle), np.diff(offsets))
    model.point_of[:] = NONE
    model.point_of[nodes[wide]] = points[wide]
    return before - int(wide.sum())


def _free_tracks(model: Model, image: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Free nodes of an image that match free nodes: the nodes, and their tracks as starts, counts and members.

    The first member of a track is the image's own node; every image has at most one.
    """
    graph = model.graph
    anchors = graph.nodes(image)
    anchors = anchors[(model.point_of[anchors] == NONE) & np.isfinite(model.rays(anchors)).all(axis=1)]
    owner, other = graph.neighbours(anchors)
    free = model.registered[graph.image_of[other]] & (model.point_of[other] == NONE)
    owner, other = owner[free], other[free]
    usable = _is_first(owner * graph.num_images + graph.image_of[other]) & np.isfinite(model.rays(other)).all(axis=1)
    owner, other = owner[usable], other[usable]
    used, owner = np.unique(owner, return_inverse=True)
    anchors = anchors[used]
    track = np.concatenate([np.arange(len(anchors)), owner])
    members = np.concatenate([anchors, other])[np.argsort(track, kind="stable")]
    counts = np.bincount(track, minlength=len(anchors))
    return anchors, np.cumsum(counts) - counts, counts, members


def _commit(model: Model, xyz: Floats, nodes: Ints, points: Ints, limit: float) -> int:
    """Refine positions from all their members where all still fit, and add the points; nodes are sorted by point."""
    counts = np.bincount(points, minlength=len(xyz))
    refined = _triangulate(model, nodes, np.concatenate([[0], np.cumsum(counts)]))
    misfits = np.bincount(points[~(model.errors(nodes, refined[points]) <= limit)], minlength=len(xyz))
    xyz = np.where((misfits == 0)[:, None], refined, xyz)
    # Two keypoints of the image may have matched one and the same: the first track takes it.
    whole = np.bincount(points[~_is_first(nodes)], minlength=len(xyz)) == 0
    rows = np.cumsum(whole) - 1
    kept = whole[points]
    model.add_points(xyz[whole], nodes[kept], rows[points[kept]])
    return int(whole.sum())


def _triangulate(model: Model, nodes: Ints, offsets: Ints) -> Floats:
    return geometry.triangulate(
        model.rays(nodes), model.graph.image_of[nodes], np.asarray(offsets, np.int64), model.cam_from_world
    )


def _angles(model: Model, two: Ints, xyz: Floats) -> Floats:
    """Angle in radians between the rays of two nodes to their point; 0 where the point is not finite."""
    centers = model.centers()
    a, b = (centers[model.graph.image_of[two[:, k]]] - xyz for k in (0, 1))
    angle = np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(axis=1))
    return np.nan_to_num(angle, nan=0.0)


def _is_first(values: Ints) -> NDArray[np.bool_]:
    """Whether each element is the first of its value."""
    first = np.zeros(len(values), bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first
