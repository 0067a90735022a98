# SPDX-License-Identifier: Apache-2.0
"""The camera ops in numpy float64: slow, readable, and found by other means than the native code.

Derivatives are complex steps (Squire & Trapp 1998), the inverse is a continuation from the optical axis, rotations go
through quaternions. Model formulas after COLMAP, src/colmap/sensor/models.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera

Array = NDArray[np.float64]


def _named(camera: Camera, params: NDArray) -> dict:
    p = dict(zip(camera.param_names, params, strict=True))
    if "f" in p:
        p["fx"] = p["fy"] = p["f"]
    if "k" in p:
        p["k1"] = p["k"]
    if camera.is_spherical:
        p["fx"], p["fy"] = p["w"], p["h"]
    return {"cx": 0.0, "cy": 0.0} | {f"k{i}": 0.0 for i in range(1, 7)} | p


def _lens(camera: Camera, p: dict, x: NDArray, y: NDArray, z: NDArray) -> tuple[NDArray, NDArray]:
    """Undistorted image coordinates in units of the focal length."""
    if camera.is_spherical:  # Snyder 1987, eq. 12-1 and 12-2, in parts of the image's size
        return 0.5 + _arctan2(x, z) / (2 * np.pi), 0.5 + _arctan2(y, np.sqrt(x * x + z * z)) / np.pi
    u, v = x / z, y / z
    s = u * u + v * v
    if "DIVISION" in camera.model:  # Fitzgibbon 2001: r of the image with r / (1 + k r²) = sqrt(s)
        scale = 2 / (1 + np.sqrt(1 - 4 * p["k1"] * s))
    elif camera.model == "EUCM":  # Khomutenko et al. 2016
        scale = 1 / (p["alpha"] * np.sqrt(p["beta"] * s + 1) + 1 - p["alpha"])
    elif "FISHEYE" in camera.model or camera.model == "FOV":
        scale = _arctan_scale(p.get("omega"), np.sqrt(s))
    else:
        scale = np.ones_like(s)
    return u * scale, v * scale


def _arctan_scale(omega: Any, r: NDArray) -> NDArray:
    """The image's radius by r, the tangent of the angle to the optical axis."""
    on_axis = r == 0
    r = np.where(on_axis, 1.0, r)
    if omega is None:  # equidistant: the image radius is the angle (Kannala & Brandt 2006, eq. 2)
        return np.where(on_axis, 1.0, np.arctan(r) / r)
    if abs(omega) < 1e-8:
        return np.ones_like(r)
    slope = 2 * np.tan(omega / 2)  # Devernay & Faugeras 2001, eq. 13
    return np.where(on_axis, slope, np.arctan(slope * r) / r) / omega


def _arctan2(y: NDArray, x: NDArray) -> NDArray:
    """atan2 for complex steps too: what the step adds is a turn by the arctangent of a small quotient."""
    angle = np.arctan2(y.real, x.real)
    cosine, sine = np.cos(angle), np.sin(angle)
    return angle + np.arctan((y * cosine - x * sine) / (x * cosine + y * sine))


def _distort(camera: Camera, p: dict, u: NDArray, v: NDArray) -> tuple[NDArray, NDArray]:
    if camera.model == "RAD_TAN_THIN_PRISM_FISHEYE":
        return _rad_tan_thin_prism(p, u, v)
    if "DIVISION" in camera.model:
        return u, v
    s = u * u + v * v
    if camera.model == "FULL_OPENCV":
        radial = (1 + p["k1"] * s + p["k2"] * s**2 + p["k3"] * s**3) / (
            1 + p["k4"] * s + p["k5"] * s**2 + p["k6"] * s**3
        )
    else:
        radial = 1 + p["k1"] * s + p["k2"] * s**2 + p["k3"] * s**3 + p["k4"] * s**4
    p1, p2 = p.get("p1", 0.0), p.get("p2", 0.0)
    du = 2 * p1 * u * v + p2 * (s + 2 * u * u) + p.get("sx1", 0.0) * s
    dv = 2 * p2 * u * v + p1 * (s + 2 * v * v) + p.get("sy1", 0.0) * s
    return u * radial + du, v * radial + dv


def _rad_tan_thin_prism(p: dict, u: NDArray, v: NDArray) -> tuple[NDArray, NDArray]:
    """Project Aria, "Camera intrinsic models": radial, then tangential and thin prism terms of the result."""
    s = u * u + v * v
    radial = 1 + sum(p[f"k{i}"] * s ** (i + 1) for i in range(6))
    u, v = u * radial, v * radial
    s, dot = u * u + v * v, u * p["p0"] + v * p["p1"]
    du = s * p["p0"] + 2 * u * dot + p["s0"] * s + p["s1"] * s**2
    dv = s * p["p1"] + 2 * v * dot + p["s2"] * s + p["s3"] * s**2
    return u + du, v + dv


def project(points: NDArray, camera: Camera, params: NDArray | None = None) -> NDArray:
    """Pixels (N, 2) of camera-frame points (N, 3); NaN where z <= 0 unless the model is spherical."""
    p = _named(camera, camera.params if params is None else params)
    x, y, z = np.asarray(points).T
    if camera.is_spherical:
        z = np.where((x == 0) & (y == 0) & (z == 0), np.nan, z)
    else:
        z = np.where(z.real > 0, z, np.nan)
    with np.errstate(invalid="ignore"):
        u, v = _distort(camera, p, *_lens(camera, p, x, y, z))
    return np.stack([p["fx"] * u + p["cx"], p["fy"] * v + p["cy"]], axis=-1)


def project_jacobian(points: Array, camera: Camera) -> tuple[Array, Array, Array]:
    """Pixels and their derivatives by the points (N, 2, 3) and by the parameters (N, 2, P)."""
    step = 1e-100j
    by_point = [project(points + step * row, camera).imag / step.imag for row in np.eye(3)]
    by_param = [
        project(points.astype(complex), camera, camera.params + step * row).imag / step.imag
        for row in np.eye(len(camera.params))
    ]
    return project(points, camera), np.stack(by_point, axis=-1), np.stack(by_param, axis=-1)


def unproject(pixels: Array, camera: Camera) -> Array:
    """Rays (N, 3) with z = 1, unit rays of a spherical model; x and y NaN where the pixel has none."""
    p = _named(camera, camera.params)
    target = (np.asarray(pixels, np.float64) - [p["cx"], p["cy"]]) / [p["fx"], p["fy"]]
    image = np.zeros_like(target)
    with np.errstate(all="ignore"):
        for part in [*np.linspace(0, 1, 65)[1:], *[1.0] * 60]:  # outwards from the axis, then to the last digit
            image = _newton_step(camera, p, image, part * target)
        value, _ = _distort_jacobian(camera, p, image)
    image[~(abs(value - target).max(axis=1) < 1e-12 * (1 + abs(target).max(axis=1)))] = np.nan
    return _rays(camera, p, image)


def _newton_step(camera: Camera, p: dict, image: Array, target: Array) -> Array:
    """Newton's step, halved where it would leave the region around the axis that keeps its orientation."""
    value, jacobian = _distort_jacobian(camera, p, image)
    step = np.linalg.solve(jacobian, (target - value)[..., None])[..., 0]
    for _ in range(12):
        _, there = _distort_jacobian(camera, p, image + step)
        det = there[:, 0, 0] * there[:, 1, 1] - there[:, 0, 1] * there[:, 1, 0]
        folded = ~((det > 0) & (there[:, 0, 0] + there[:, 1, 1] > 0))
        step[folded] *= 0.5
    return np.where(folded[:, None], image, image + step)


def _distort_jacobian(camera: Camera, p: dict, image: Array) -> tuple[Array, Array]:
    step = 1e-100j
    columns = [
        np.stack(_distort(camera, p, image[:, 0] + du, image[:, 1] + dv), axis=-1)
        for du, dv in ((step, 0.0), (0.0, step))
    ]
    return columns[0].real, np.stack([c.imag / step.imag for c in columns], axis=-1)


def _rays(camera: Camera, p: dict, image: Array) -> Array:
    radius = np.hypot(*image.T)
    with np.errstate(all="ignore"):
        if camera.is_spherical:
            return _directions(image)
        if "DIVISION" in camera.model:  # the lens's own definition, up to where it folds or looks sideways
            scale = np.where(abs(p["k1"]) * radius**2 < 1, 1 / (1 + p["k1"] * radius**2), np.nan)
        elif camera.model == "EUCM":
            # Where alpha d + (1 - alpha) z = 1 with d² = beta r² + z²: a quadratic equation for z.
            a, size = p["alpha"], p["beta"] * radius**2
            square, linear, rest = 2 * a - 1, 2 * (1 - a), a**2 * size - 1
            z = (-linear + np.sqrt(linear**2 - 4 * square * rest)) / (2 * square)
            scale = np.where(z > 0, 1 / z, np.nan)
        elif "FISHEYE" in camera.model or camera.model == "FOV":
            scale = _tangent_scale(camera, p, radius)
        else:
            scale = np.ones_like(radius)
    return np.column_stack([image * scale[:, None], np.ones(len(image))])


def _tangent_scale(camera: Camera, p: dict, radius: Array) -> Array:
    """The tangent of the angle to the optical axis, by the image's radius."""
    theta, slope = radius, 1.0
    if camera.model == "FOV":
        if abs(p["omega"]) <= 1e-8:
            return np.ones_like(radius)
        theta, slope = p["omega"] * radius, 2 * np.tan(p["omega"] / 2)
    r = np.where(theta < np.pi / 2, np.tan(theta) / slope, np.nan)
    return np.where(radius > 0, r / np.where(radius > 0, radius, 1.0), p.get("omega", 1.0) / slope)


def _directions(image: Array) -> Array:
    """Unit vectors of longitudes and latitudes that are given as parts of the image's size."""
    longitude, latitude = (image.T - 0.5) * [[2 * np.pi], [np.pi]]
    longitude = np.where(abs(image[:, 1] - 0.5) <= 0.5, longitude, np.nan)
    flat = np.cos(latitude)
    return np.column_stack([flat * np.sin(longitude), np.sin(latitude), flat * np.cos(longitude)])


def undistort_image(image: NDArray, camera: Camera, pinhole: Camera) -> NDArray:
    """The pinhole camera's image: bilinear, 0 outside of the photograph, its border repeated over half a pixel."""
    fx, fy, cx, cy = pinhole.matrix[[0, 1, 0, 1], [0, 1, 2, 2]]
    x, y = np.meshgrid(np.arange(pinhole.width) + 0.5, np.arange(pinhole.height) + 0.5)
    rays = np.stack([(x - cx) / fx, (y - cy) / fy, np.ones_like(x)], axis=-1).reshape(-1, 3)
    px, py = project(rays, camera).T
    height, width = image.shape[:2]
    outside = ~((px >= 0) & (px <= width) & (py >= 0) & (py <= height))
    px, py = (np.where(outside, 0.5, p) for p in (px, py))
    px, py = np.clip(px - 0.5, 0, width - 1), np.clip(py - 0.5, 0, height - 1)
    x0, y0 = px.astype(int), py.astype(int)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    pixels = image.reshape(height, width, -1).astype(np.float64)
    wx, wy = (px - x0)[:, None], (py - y0)[:, None]
    upper = pixels[y0, x0] * (1 - wx) + pixels[y0, x1] * wx
    lower = pixels[y1, x0] * (1 - wx) + pixels[y1, x1] * wx
    value = np.where(outside[:, None], 0.0, upper * (1 - wy) + lower * wy)
    return value.reshape(pinhole.height, pinhole.width, *image.shape[2:])


def rotation_from_angle_axis(angle_axis: Array) -> Array:
    """Rotation matrices (N, 3, 3) of angle-axis vectors (N, 3), through unit quaternions (w, x, y, z)."""
    angle = np.linalg.norm(angle_axis, axis=1)
    half_sinc = np.sinc(angle / (2 * np.pi)) / 2  # sin(angle / 2) / angle
    w, (x, y, z) = np.cos(angle / 2), (half_sinc[:, None] * angle_axis).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def angle_axis_from_rotation(rotations: Array) -> Array:
    """Angle-axis vectors (N, 3): the axis is the null vector of R - I, the angle's sign follows from R's skew part."""
    result = np.empty((len(rotations), 3))
    for i, rotation in enumerate(rotations):
        axis = np.linalg.svd(rotation - np.eye(3))[2][2]
        skew = (rotation - rotation.T)[[2, 0, 1], [1, 2, 0]]
        angle = np.arctan2(skew @ axis, np.trace(rotation) - 1)
        result[i] = angle * axis
    return result
