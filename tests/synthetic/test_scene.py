# SPDX-License-Identifier: Apache-2.0
"""Ray casting, light, colour and meshes of scenes, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.synthetic import Material, Scene, Solid, make_scene
from fastcv.synthetic.materials import linear_from_hex
from fastcv.synthetic.scene import srgb_from_linear

STONE = Material(("#808080", "#a09080", "#404040"), grain=0.3)
PLAIN = Material(("#ffffff", "#ffffff", "#ffffff"), contrast=0.0)
TILT = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])


def test_ball_and_plane_in_closed_form() -> None:
    scene = Scene([Solid("box", (0, 0, 11), (50, 50, 1), STONE), Solid("ball", (0, 0, 5), (1, 1, 1), STONE)])
    random = np.random.default_rng(0)
    directions = np.column_stack([random.uniform(-0.4, 0.4, (2000, 2)), np.ones(2000)])
    t, normals, ids = scene.intersect(np.zeros((1, 3)), directions)
    # |t d - c|^2 = 1 with c = (0, 0, 5), d_z = 1: t^2 |d|^2 - 10 t + 24 = 0.
    a = (directions**2).sum(1)
    discriminant = 100 - 96 * a
    on_ball = discriminant > 0
    root = np.sqrt(np.maximum(discriminant, 0))
    expected = np.where(on_ball, (10 - root) / (2 * a), 10.0)
    np.testing.assert_allclose(t, expected, rtol=1e-12)
    np.testing.assert_array_equal(ids, on_ball.astype(int))
    points = t[:, None] * directions
    np.testing.assert_allclose(normals[on_ball], (points - (0, 0, 5))[on_ball], atol=1e-11)
    np.testing.assert_array_equal(normals[~on_ball], np.tile([0.0, 0, -1], ((~on_ball).sum(), 1)))


def test_turned_ellipsoid_satisfies_its_equation() -> None:
    half = np.array([0.5, 1.0, 2.0])
    scene = Scene([Solid("ball", (1, 2, 9), half, STONE, TILT)])
    directions = np.column_stack([np.random.default_rng(1).uniform(-0.3, 0.5, (500, 2)), np.ones(500)])
    t, normals, ids = scene.intersect(np.zeros((1, 3)), directions)
    hit = ids == 0
    assert 25 < hit.sum() < 450
    local = (t[hit, None] * directions[hit] - (1, 2, 9)) @ TILT
    np.testing.assert_allclose(((local / half) ** 2).sum(1), 1, rtol=1e-12)
    gradient = (local / half**2) @ TILT.T
    np.testing.assert_allclose(normals[hit], gradient / np.linalg.norm(gradient, axis=1, keepdims=True), atol=1e-12)
    assert ((normals[hit] * directions[hit]).sum(1) < 0).all()


def test_ray_from_inside_meets_the_surface_on_its_way_out() -> None:
    scene = Scene([Solid("box", (0, 0, 0), (1, 2, 3), STONE)])
    hits = scene.intersect(np.zeros((3, 3)), np.eye(3))
    np.testing.assert_array_equal(hits.t, [1, 2, 3])
    np.testing.assert_array_equal(hits.normals, np.eye(3))


@pytest.mark.parametrize(
    ("shape", "half"), [("box", (0.5, 1.0, 2.0)), ("ball", (0.7, 0.7, 0.7)), ("cylinder", (0.6, 0.6, 1.2))]
)
def test_distance_is_that_of_the_nearest_surface_point(shape: str, half: tuple[float, float, float]) -> None:
    solid = Solid(shape, (1, -2, 3), half, STONE, TILT)
    points = np.random.default_rng(3).uniform(-1.5, 1.5, (300, 3)) + (1, -2, 3)
    vertices, _, _ = solid.surface(0.02)
    nearest = np.array([np.linalg.norm(vertices - point, axis=1).min() for point in points])
    inside = solid.gauge(points) < 1
    distance = Scene([solid, Solid("ball", (90, 0, 0), (1, 1, 1), STONE)]).distance(points)
    assert 10 < inside.sum() < 200
    assert not distance[inside].any()
    # The nearest vertex lies within a cell's diagonal of the nearest point, sideways, at distances of 0.01 and more.
    np.testing.assert_allclose(distance[~inside], nearest[~inside], atol=0.02)
    assert (distance[~inside] <= nearest[~inside] + 1e-12).all()


def test_no_closed_form_for_an_ellipsoid() -> None:
    for shape, half in (("ball", (1, 1, 2)), ("cylinder", (1, 2, 1))):
        with pytest.raises(ValueError, match=f"half_size: expected equal values for a round {shape}, got"):
            Solid(shape, (0, 0, 0), half, STONE).distance(np.zeros((1, 3)))


def test_nothing_to_meet() -> None:
    scene = Scene([Solid("ball", (0, 0, 5), (1, 1, 1), STONE)])
    hits = scene.intersect(np.zeros((1, 3)), np.array([[0, 0, -1.0], [1.0, 0, 0]]))
    assert np.isinf(hits.t).all()
    assert (hits.ids == -1).all()
    assert (hits.normals == 0).all()
    empty = scene.intersect(np.zeros((1, 3)), np.zeros((0, 3)))
    assert empty.t.shape == (0,)
    assert empty.normals.shape == (0, 3)


def test_leaving_solids_out_by_their_balls_changes_nothing() -> None:
    """Rays one by one, each a cone of its own, against all together, whose cone holds nearly every solid."""
    scene = make_scene("courtyard", seed=1)
    random = np.random.default_rng(3)
    directions = random.standard_normal((300, 3)) * (1, 0.3, 0.4) + (0, 1, 0)
    origin = np.array([[0.5, -7.0, 1.5]])
    together = scene.intersect(origin, directions)
    alone = [scene.intersect(origin, d[None]) for d in directions]
    np.testing.assert_array_equal(together.t, np.concatenate([hits.t for hits in alone]))
    np.testing.assert_array_equal(together.ids, np.concatenate([hits.ids for hits in alone]))
    assert len(np.unique(together.ids)) > 12


def test_sun_follows_lambert_and_casts_shadows() -> None:
    scene = Scene(
        [Solid("box", (0, 0, -1), (9, 9, 1), PLAIN), Solid("ball", (0, 0, 3), (1, 1, 1), PLAIN)], sun=(0, 0, 2)
    )
    points = np.array([[0.0, 0, 0], [0.9, 0, 0], [1.1, 0, 0], [5, 0, 0]])
    up = np.tile([0.0, 0, 1], (4, 1))
    light = scene.light(points, up)
    sun = 1.15 * linear_from_hex("#fff3df")
    sky = 0.55 * linear_from_hex("#b4c8e4")
    np.testing.assert_allclose(light, [sky, sky, sky + sun, sky + sun], rtol=1e-6)
    tilted = np.array([[0.0, 0.8, 0.6]])
    np.testing.assert_allclose(
        (scene.light(points[3:], tilted) - scene.light(points[3:], tilted * (1, 1, -1)))[0, 0],
        0.6 * sun[0] + 0.6 * (sky[0] - 0.55 * linear_from_hex("#8d8070")[0]),
        rtol=1e-5,
    )


def test_texture_sticks_to_the_solid() -> None:
    """A turned and moved solid shows the same albedo at the same place of its own."""
    local = np.random.default_rng(4).standard_normal((200, 3))
    local /= np.linalg.norm(local, axis=1, keepdims=True)
    ids = np.zeros(200, np.int32)
    albedos = []
    for center, rotation in (((0, 0, 0), np.eye(3)), ((3, -2, 5), TILT)):
        scene = Scene([Solid("ball", center, (1, 1, 1), STONE, rotation)])
        points, normals = local @ rotation.T + center, local @ rotation.T
        albedos.append(scene.color(points, normals, ids) / scene.light(points, normals))
    # Positions agree to float32; the finest octave is 1 mm, so 1e-6 moves a colour by about 1e-3 of its range.
    np.testing.assert_allclose(albedos[0], albedos[1], atol=5e-3)


def test_coarse_samples_see_less_detail_but_the_same_mean() -> None:
    scene = Scene([Solid("box", (0, 0, 0), (5, 5, 1), STONE)])
    x, y = np.meshgrid(np.linspace(-2, 2, 200), np.linspace(-2, 2, 200))
    points = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], 1)
    normals, ids = np.tile([0.0, 0, 1], (len(points), 1)), np.zeros(len(points), np.int32)
    fine, coarse = (scene.color(points, normals, ids, width)[:, 1].reshape(x.shape) for width in (0.0, 0.1))
    assert np.abs(np.diff(coarse)).mean() < 0.5 * np.abs(np.diff(fine)).mean()
    assert abs(coarse.mean() / fine.mean() - 1) < 0.06


def test_mesh_lies_on_the_solids() -> None:
    solids = [
        Solid("ball", (0, 0, 0), (1, 1, 1), STONE),
        Solid("cylinder", (4, 0, 0), (0.5, 0.5, 1), STONE),
        Solid("box", (0, 5, 0), (1, 2, 0.5), STONE, TILT),
    ]
    edge = 0.1
    vertices, faces, colors = Scene(solids).mesh(edge)
    assert colors.shape == vertices.shape
    assert colors.dtype == np.uint8
    assert colors.std() > 5
    corners = vertices[faces]
    weights = np.random.default_rng(5).dirichlet((1, 1, 1), len(faces))
    samples = (corners * weights[:, :, None]).sum(1)
    ball, cylinder, box = (np.linalg.norm(samples - s.center, axis=1) < s.radius + 1e-6 for s in solids)
    assert (ball.astype(int) + cylinder + box == 1).all()
    off_ball = 1 - np.linalg.norm(samples[ball], axis=1)
    assert off_ball.min() > -1e-12
    assert off_ball.max() < edge**2 / 4
    local = samples[cylinder] - (4, 0, 0)
    to_side, to_cap = 0.5 - np.hypot(local[:, 0], local[:, 1]), 1 - np.abs(local[:, 2])
    assert np.minimum(to_side, to_cap).max() < edge**2 / (4 * 0.5)
    assert min(to_side.min(), to_cap.min()) > -1e-12
    inside = np.array([1, 2, 0.5]) - np.abs((samples[box] - (0, 5, 0)) @ TILT)
    np.testing.assert_allclose(inside.min(1), 0, atol=1e-12)
    lengths = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    assert lengths.max() <= 1.6 * edge
    # Area by closed form: ball, cylinder with caps, box.
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    np.testing.assert_allclose(area, 4 * np.pi + 2.5 * np.pi + 28, rtol=3e-3)


def test_mesh_leaves_out_what_is_never_seen() -> None:
    big, small = Solid("box", (0, 0, 0), (2, 2, 2), STONE), Solid("ball", (0, 0, 2), (1, 1, 1), STONE)
    vertices, _, _ = Scene([big, small]).mesh(0.1)
    deep = np.linalg.norm(vertices - (0, 0, 2), axis=1) < 0.85
    deep |= (np.abs(vertices) < 1.85).all(1)
    assert not deep.any()
    assert Scene([Solid("ball", (0, 0, 0), (1, 1, 1), STONE), big]).mesh(0.5).vertices.max() == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cone", (0, 0, 0), (1, 1, 1), STONE), "shape: expected one of box, ball, cylinder, got 'cone'"),
        (("ball", (0, 0), (1, 1, 1), STONE), r"center: expected shape \(3,\), got \(2,\)"),
        (("ball", (0, 0, 0), (1, 0, 1), STONE), "half_size: expected positive values"),
        (("ball", (0, 0, 0), (1, np.nan, 1), STONE), "half_size: expected positive values"),
        (("ball", (0, 0, 0), (1, 1, 1), STONE, 2 * np.eye(3)), "rotation: expected an orthogonal matrix"),
    ],
)
def test_solid_guards(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Solid(*arguments)


def test_intersect_guard() -> None:
    scene = make_scene("object")
    with pytest.raises(ValueError, match=r"origins: expected shape \(N, 3\), got \(3,\)"):
        scene.intersect(np.zeros(3), np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"directions: expected shape \(N, 3\), got \(5, 2\)"):
        scene.intersect(np.zeros((1, 3)), np.ones((5, 2)))


@pytest.mark.parametrize("edge_length", [0.0, -1.0, np.nan])
def test_mesh_guard(edge_length: float) -> None:
    with pytest.raises(ValueError, match="edge_length: expected positive"):
        make_scene("object").mesh(edge_length)


def test_display_values() -> None:
    np.testing.assert_allclose(srgb_from_linear(linear_from_hex("#1080ff")), [16, 128, 255], rtol=1e-5)
    assert srgb_from_linear(np.float32([-1, 2])).tolist() == [0, 255]
