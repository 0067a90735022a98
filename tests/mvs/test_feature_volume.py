# SPDX-License-Identifier: Apache-2.0
"""Volumes of features against numpy, closed forms and bad input."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

import fastcv
from fastcv import mvs
from fastcv.mvs import _feature_reference

DEPTHS = 1 / np.linspace(1 / 2.5, 1 / 9, 11)
# Positions up to 80 are off by a few roundings of float32, 2e-5 px; features in [-1, 1] change by up to 2 a pixel.
FLOAT32 = 1e-4


def with_features(scene, channels, seed=0):
    """The scene's cameras with random features, the second source of another size."""
    rng = np.random.default_rng(seed)
    sizes = [(61, 80), (61, 80), (47, 71), (61, 80), (61, 80)]
    return [
        view._replace(image=rng.uniform(-1, 1, (channels, *size)).astype(np.float32))
        for view, size in zip(scene.views, sizes, strict=True)
    ]


def on(device, views):
    return [view._replace(image=device.put(view.image)) for view in views]


def per_pixel(seed=1):
    """Depths around every plane, some of them none."""
    depths = DEPTHS[:, None, None] * np.random.default_rng(seed).uniform(0.9, 1.1, (len(DEPTHS), 61, 80))
    depths[:, ::9, ::7] = np.array([0, np.nan, -3.0])[np.arange(len(DEPTHS)) % 3, None, None]
    return depths.astype(np.float32)


@pytest.mark.parametrize("depths", [DEPTHS, DEPTHS[::-1], per_pixel()], ids=["planes", "backwards", "pixels"])
@pytest.mark.parametrize("reduce", ["variance", "correlation"])
@pytest.mark.parametrize(("channels", "num_groups"), [(32, 32), (32, None), (12, 4), (1, 1), (33, 3)])
def test_against_the_reference(scene, device, channels, num_groups, reduce, depths):
    views = with_features(scene, channels)
    options = {"reduce": reduce, "num_groups": num_groups}
    expected = _feature_reference.feature_volume(views[0], views[1:], depths, **options)
    volume = mvs.feature_volume(on(device, views)[0], on(device, views)[1:], depths, **options)
    assert volume.num_seen.shape == (11, 61, 80)
    assert set(np.unique(expected.num_seen)) >= {1, 2, 3, 4}
    # Some pixel in 10^5 falls within a rounding of a source's border.
    same = device.get(volume.num_seen) == expected.num_seen
    assert (~same).sum() <= 3
    np.testing.assert_allclose(device.get(volume.values)[same], expected.values[same], rtol=0, atol=FLOAT32)


def test_shifted_features_in_closed_form():
    """A wall of features 5 units away, 10 pixels apart at f = 50, seen by two sources from either side."""
    rng = np.random.default_rng(0)
    wall = rng.standard_normal((8, 40, 80), np.float32)
    K = [[50.0, 0, 30], [0, 50.0, 20], [0, 0, 1]]
    views = [mvs.View(wall[:, :, 10 + dx : 70 + dx], K, np.c_[np.eye(3), [-0.1 * dx, 0, 0]]) for dx in (0, 10, -10)]
    reference = views[0].image
    variance = mvs.feature_volume(views[0], views[1:], [4.0, 5.0], num_groups=8)
    correlation = mvs.feature_volume(views[0], views[1:], [4.0, 5.0], reduce="correlation", num_groups=2)
    # Left of 10 and right of 50 a point at 5 units falls out of one of the two sources, whose samples must not count.
    seen = 2 - (np.arange(60) < 10).astype(int) - (np.arange(60) >= 50)
    np.testing.assert_array_equal(variance.num_seen[1], np.broadcast_to(seen, (40, 60)))
    np.testing.assert_allclose(variance.values[1], 0, atol=1e-9)  # positions are off by 4e-6 px, squared
    expected = (reference**2).reshape(2, 4, 40, 60).mean(1).transpose(1, 2, 0)
    np.testing.assert_allclose(correlation.values[1], expected, atol=1e-4)
    assert (variance.values[0].mean(-1) > variance.values[1].mean(-1)).mean() > 0.99


def test_where_nobody_sees_there_is_zero(scene):
    views = with_features(scene, 6)
    away = views[1]._replace(cam_from_world=np.c_[np.diag([-1.0, 1, -1]), [0.3, 0, 0]])  # looks backwards
    for reduce in ("variance", "correlation"):
        volume = mvs.feature_volume(views[0], [away], DEPTHS, reduce=reduce, num_groups=3)
        assert not volume.values.any()
        assert not volume.num_seen.any()


def test_differences_survive_a_large_offset(scene):
    """Sums of squares about zero would lose them: 1000^2 has a rounding of 0.06."""
    views = with_features(scene, 4)
    expected = mvs.feature_volume(views[0], views[1:], DEPTHS).values
    lifted = [view._replace(image=view.image + np.float32(1000)) for view in views]
    # Lifted features are rounded to 6e-5, and a bilinear sample of them to three times that; differences are up to 2.
    np.testing.assert_allclose(mvs.feature_volume(lifted[0], lifted[1:], DEPTHS).values, expected, atol=1e-3)


def test_one_pixel():
    K = [[1.0, 0, 0.5], [0, 1.0, 0.5], [0, 0, 1]]
    reference = mvs.View(np.full((3, 1, 1), 2, np.float32), K, np.eye(3, 4))
    source = mvs.View(np.full((3, 1, 1), 6, np.float32), K, np.c_[np.eye(3), [0, 0, 1.0]])  # behind, on the same ray
    volume = mvs.feature_volume(reference, [source], [1.0])
    np.testing.assert_array_equal(volume.values, [[[4.0]]])
    np.testing.assert_array_equal(volume.num_seen, [[[1]]])


def test_half_precision_is_that_of_the_features_alone(scene):
    views = with_features(scene, 8)
    halves = [view._replace(image=view.image.astype(np.float16)) for view in views]
    rounded = [view._replace(image=view.image.astype(np.float32)) for view in halves]
    for a, b in zip(
        mvs.feature_volume(halves[0], halves[1:], DEPTHS, num_groups=4),
        mvs.feature_volume(rounded[0], rounded[1:], DEPTHS, num_groups=4),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_layouts(scene):
    views = with_features(scene, 8)
    expected = mvs.feature_volume(views[0], views[1:], per_pixel(), num_groups=2)
    last = [
        view._replace(image=np.ascontiguousarray(view.image.transpose(1, 2, 0)).transpose(2, 0, 1)) for view in views
    ]
    for view in last:
        view.image.flags.writeable = False
    depths = np.repeat(per_pixel(), 2, axis=2)[..., ::2]
    np.testing.assert_array_equal(mvs.feature_volume(last[0], last[1:], depths, num_groups=2).values, expected.values)
    # Results that do not begin on a cache line, as large arrays of numpy do not.
    buffer = np.full(expected.values.size + 3, -7, np.float32)
    out = buffer[1:-2].reshape(expected.values.shape)
    volume = mvs.feature_volume(views[0], views[1:], per_pixel(), num_groups=2, out=out)
    assert volume.values is out
    np.testing.assert_array_equal(out, expected.values)
    np.testing.assert_array_equal(buffer[[0, -2, -1]], -7)


def test_not_a_number_stays_where_it_is(scene):
    views = with_features(scene, 4)
    expected = mvs.feature_volume(views[0], views[1:], DEPTHS, num_groups=2).values
    image = views[1].image.copy()
    image[3, 30, 40] = np.nan
    values = mvs.feature_volume(views[0], [views[1]._replace(image=image), *views[2:]], DEPTHS, num_groups=2).values
    poisoned = np.isnan(values)
    assert not poisoned[..., 0].any()
    # A pixel is sampled by the positions within a pixel of it, in x and in y: 2 or 3 where views have equal scales.
    assert 4 * len(DEPTHS) <= poisoned[..., 1].sum() <= 9 * len(DEPTHS)
    np.testing.assert_array_equal(values[~poisoned], expected[~poisoned])


def test_thread_counts(scene):
    views = with_features(scene, 20)
    for reduce in ("variance", "correlation"):
        volumes = [
            mvs.feature_volume(views[0], views[1:], DEPTHS, reduce=reduce, num_groups=5, num_threads=n) for n in (1, 3)
        ]
        np.testing.assert_array_equal(volumes[0].values, volumes[1].values)


def digest(features, depths, K, poses):
    views, result = [mvs.View(*view) for view in zip(features, K, poses, strict=True)], hashlib.sha256()
    for reduce in ("variance", "correlation"):
        for num_groups in (1, 4, 24):
            volume = mvs.feature_volume(views[0], views[1:], depths, reduce=reduce, num_groups=num_groups)
            result.update(volume.values.tobytes() + volume.num_seen.tobytes())
    return result.hexdigest()


@pytest.mark.parametrize("isa", ["v2", "v3"])
def test_same_bits_on_every_instruction_set(scene, isa, tmp_path):
    features = np.random.default_rng(0).uniform(-1, 1, (5, 24, 61, 80)).astype(np.float32)
    cameras = {"K": [v.K for v in scene.views], "poses": [v.cam_from_world for v in scene.views]}
    inputs = {"features": features, "depths": per_pixel(), **cameras}
    np.savez(tmp_path / "inputs.npz", **inputs)
    script = "import runpy, sys, numpy as np; print(runpy.run_path(sys.argv[1])['digest'](**np.load(sys.argv[2])))"
    command = [sys.executable, "-c", script, __file__, str(tmp_path / "inputs.npz")]
    run = subprocess.run(command, env={**os.environ, "FASTCV_ISA": isa}, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest(**inputs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": []}, r"^sources: expected 1 to 32 views, got 0$"),
        ({"sources": 33}, r"^sources: expected 1 to 32 views, got 33$"),
        ({"reduce": "sum"}, r"^reduce: expected variance or correlation, got 'sum'$"),
        ({"num_groups": 3}, r"^num_groups: expected a divisor of the 4 channels, got 3$"),
        ({"num_groups": 0}, r"^num_groups: expected a divisor of the 4 channels, got 0$"),
        ({"depths": []}, r"^depths: expected shape \(D,\) or \(D, 61, 80\) with D > 0, got \(0,\)$"),
        ({"depths": np.ones((2, 61, 1))}, r"^depths: expected shape .*, got \(2, 61, 1\)$"),
        ({"depths": 3.0}, r"^depths: expected shape \(D,\) or \(D, 61, 80\) with D > 0, got \(\)$"),
        ({"depths": [1.0, 0.0]}, r"^depths: expected positive values, got \[1. 0.\]$"),
        ({"depths": [np.nan, 1.0]}, r"^depths: expected positive values, got \[nan  1.\]$"),
        ({"num_threads": -1}, r"^num_threads: expected 0 \(default\) or more, got -1$"),
        (
            {"out": np.empty((11, 61, 80, 1), np.float32)},
            r"^out: expected shape \(11, 61, 80\), got \(11, .*$",
        ),
    ],
)
def test_bad_options(scene, change, message):
    views = with_features(scene, 4)
    sources = change.pop("sources", 4)
    sources = views[1:2] * sources if isinstance(sources, int) else sources
    with pytest.raises(ValueError, match=message):
        mvs.feature_volume(views[0], sources, **{"depths": DEPTHS, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"image": np.zeros((61, 80), np.float32)},
            r"^sources\[1\].image: expected shape .*, got \(61, 80\)$",
        ),
        (
            {"image": np.zeros((5, 61, 80), np.float32)},
            r"^sources\[1\].image: expected .* C = 4, got \(5, 61, 80\)$",
        ),
        ({"image": np.zeros((4, 0, 80), np.float32)}, r"^sources\[1\].image: expected shape .*, got \(4, 0, 80\)$"),
        ({"K": np.zeros((3, 3))}, r"^sources\[1\].K: expected upper triangular"),
        ({"cam_from_world": np.ones((3, 4))}, r"^sources\[1\].cam_from_world: expected a rotation"),
    ],
)
def test_bad_views(scene, change, message):
    views = with_features(scene, 4)
    with pytest.raises(ValueError, match=message):
        mvs.feature_volume(views[0], [views[1], views[2]._replace(**change)], DEPTHS)


def test_no_baseline(scene):
    views = with_features(scene, 4)
    center = views[1].cam_from_world[:, :3].T @ views[1].cam_from_world[:, 3]
    turned = np.c_[np.eye(3), center]  # the same place, another direction
    with pytest.raises(ValueError, match=r"^sources\[0\]: expected a baseline to the reference, got .* scene units$"):
        mvs.feature_volume(views[1], [views[1]._replace(cam_from_world=turned)], DEPTHS)


def test_wrong_types(scene):
    views = with_features(scene, 4)
    with pytest.raises(TypeError, match=r"^reference.image: expected dtype .* or bfloat16, got float64$"):
        mvs.feature_volume(views[0]._replace(image=views[0].image.astype(np.float64)), views[1:], DEPTHS)
    with pytest.raises(TypeError, match=r"^out: expected dtype float32, got float64$"):
        mvs.feature_volume(views[0], views[1:], DEPTHS, out=np.empty((11, 61, 80)))
    with pytest.raises(ValueError, match=r"^out: expected a writeable C-contiguous array, got one that is not$"):
        mvs.feature_volume(views[0], views[1:], DEPTHS, out=np.empty((11, 61, 160), np.float32)[..., ::2])
    torch = pytest.importorskip("torch")
    tensor = views[1]._replace(image=torch.tensor(views[1].image))
    with pytest.raises(TypeError, match=r"^sources\[0\].image: expected a numpy array .*, got torch$"):
        mvs.feature_volume(views[0], [tensor], DEPTHS)
    meta = [view._replace(image=torch.empty((4, 61, 80), device="meta")) for view in views]
    with pytest.raises(fastcv.DeviceError, match=r"^device: expected cpu or cuda, got meta$"):
        mvs.feature_volume(meta[0], meta[1:], DEPTHS)
    with pytest.raises(fastcv.DeviceError, match=r"^sources\[0\].image: expected an array on cpu, got one on meta$"):
        mvs.feature_volume(tensor, meta[1:], DEPTHS)
