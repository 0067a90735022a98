# SPDX-License-Identifier: Apache-2.0
"""Ray spans, gauges and cube maps of the unit shapes."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.synthetic.shapes import SHAPES, cube_grid

# What "inside" means, written down a second time.
INSIDE = {
    "box": lambda p: (np.abs(p) <= 1).all(-1),
    "ball": lambda p: (p**2).sum(-1) <= 1,
    "cylinder": lambda p: (p[..., 0] ** 2 + p[..., 1] ** 2 <= 1) & (np.abs(p[..., 2]) <= 1),
}


@pytest.mark.parametrize("name", SHAPES)
def test_span_matches_a_march_along_the_ray(name: str) -> None:
    random = np.random.default_rng(1)
    origins = random.uniform(-3, 3, (400, 3))
    directions = random.uniform(-1, 1, (400, 3)) - 0.4 * origins
    directions[:60] *= random.integers(0, 2, (60, 3))  # rays along axes and planes
    directions[(directions == 0).all(1)] = (0, 0, 1)
    near, far = SHAPES[name].span(origins, directions)
    steps = np.linspace(-8, 8, 4001)
    inside = INSIDE[name](origins[:, None] + steps[:, None] * directions[:, None])
    expected = (steps >= near[:, None]) & (steps <= far[:, None])
    assert (near <= far).sum() > 80
    assert (near > far).sum() > 50
    # A step that falls within rounding of the surface may go either way.
    assert (inside != expected).sum() <= 4


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("offset", [0.5, 2.0])
def test_rays_along_z_are_inside_for_ever_or_never(name: str, offset: float) -> None:
    origin, direction = np.array([[offset, 0.0, -5.0]]), np.array([[0.0, 0.0, 2.0]])
    near, far = SHAPES[name].span(origin, direction)
    if_hit = {"box": (2.0, 3.0), "cylinder": (2.0, 3.0), "ball": (2.5 - np.sqrt(0.75) / 2, 2.5 + np.sqrt(0.75) / 2)}
    near_expected, far_expected = if_hit[name] if offset < 1 else (np.inf, -np.inf)
    np.testing.assert_allclose([near[0], far[0]], [near_expected, far_expected], rtol=1e-15)


def test_a_small_far_ball_loses_no_digits() -> None:
    """A unit ball at a distance of 1e6, passed at 0.6: the chord is 1.6 long."""
    near, far = SHAPES["ball"].span(np.array([[0.6, 0.0, -1e6]]), np.array([[0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(far - near, 1.6, rtol=1e-9)


@pytest.mark.parametrize("name", SHAPES)
def test_one_row_is_shared_by_all_rays(name: str) -> None:
    random = np.random.default_rng(2)
    many = random.uniform(-2, 2, (50, 3))
    one = random.uniform(-2, 2, (1, 3))
    for origins, directions in ((one, many), (many, one)):
        shared = SHAPES[name].span(origins, directions)
        spelled_out = SHAPES[name].span(*(np.broadcast_to(a, (50, 3)) for a in (origins, directions)))
        np.testing.assert_array_equal(shared, spelled_out)


@pytest.mark.parametrize("name", SHAPES)
def test_gauge_is_one_on_the_mapped_cube_and_scales(name: str) -> None:
    cube, _, _ = cube_grid(np.array([5, 4, 3]))
    surface = SHAPES[name].from_cube(cube)
    np.testing.assert_allclose(SHAPES[name].gauge(surface), 1, rtol=1e-14)
    np.testing.assert_allclose(SHAPES[name].gauge(0.25 * surface), 0.25, rtol=1e-14)
    assert INSIDE[name](surface * (1 - 1e-12)).all()
    assert not INSIDE[name](surface * (1 + 1e-12)).any()


@pytest.mark.parametrize(("name", "area"), [("box", 24.0), ("ball", 4 * np.pi), ("cylinder", 6 * np.pi)])
def test_grid_is_a_closed_surface_that_faces_outwards(name: str, area: float) -> None:
    cube, normals, faces = cube_grid(np.array([40, 40, 40]))
    surface = SHAPES[name].from_cube(cube)
    a, b, c = surface[faces].transpose(1, 0, 2)
    twice = np.cross(b - a, c - a)
    assert ((twice * (a + b + c)).sum(1) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(twice, axis=1).sum() / 2, area, rtol=2e-3)  # chords: 1 - (h / r)^2 / 8
    volume = {"box": 8.0, "ball": 4 * np.pi / 3, "cylinder": 2 * np.pi}[name]
    np.testing.assert_allclose((a * twice).sum() / 6, volume, rtol=2e-3)  # divergence theorem
    assert (normals * cube == 1).any(1).all()
