# SPDX-License-Identifier: Apache-2.0
"""Training on pictures of a ball in closed form: what it finds, that it repeats, goes on, and refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from itertools import count
from pathlib import Path

import numpy as np
import pytest

import fastcv
from fastcv import nerf
from fastcv.errors import FormatError

from .ball_scene import RADIUS, ball_color, ball_scene

torch = pytest.importorskip("torch")
modules = pytest.importorskip("fastcv.nerf.modules")
pytestmark = pytest.mark.slow  # its native parts have tests of their own

SMALL = {
    "hash": {"samples": 4096, "cells": 32},
    "voxels": {"samples": 4096, "cells": 32, "finest": 32},
    "nerf": {"samples": 2048, "width": 16, "rate": 4e-3},
}


@pytest.fixture(scope="module")
def scene():
    return ball_scene()


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Arrays are so small here that torch's threads would wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained(scene, one_thread):  # noqa: ARG001
    return nerf.train(scene, options=nerf.TrainOptions("hash", **SMALL["hash"]), steps=150)


def parameters(field):
    return {name: tensor.detach().numpy().copy() for name, tensor in field.model.named_parameters()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_held_out_views_look_like_the_ball(trained, scene):
    quality = trained.evaluate(scene)
    assert quality.images.tolist() == scene.splits["test"].tolist()
    assert quality.mean_psnr > 28  # 31 when written; a picture of the background alone has 7
    assert quality.mean_ssim > 0.9


def test_depth_is_that_of_the_ball(trained, scene):
    view = trained.render_view(scene.cameras[0], scene.cam_from_world[3])
    # The camera is at distance 2, so the nearest point of the ball at depth 1.5; what is trained is a little soft.
    assert view.depth[15:17, 15:17].mean() == pytest.approx(2.0 - RADIUS, abs=0.2)
    assert view.opacity[15, 15] > 0.95
    assert view.opacity[0, 0] < 0.05
    assert view.depth[0, 0] == 0


def test_background_shows_where_the_field_is_transparent(trained, scene):
    red = trained.render_view(scene.cameras[0], scene.cam_from_world[3], background=(1, 0, 0)).color
    np.testing.assert_allclose(red[0, 0], [1, 0, 0], atol=0.05)


@pytest.mark.parametrize(("preset", "steps", "least"), [("voxels", 100, 16), ("nerf", 50, 10)])
def test_other_presets_find_the_ball(scene, preset, steps, least):
    field = nerf.train(scene, options=nerf.TrainOptions(preset, **SMALL[preset]), steps=steps)
    assert field.evaluate(scene, most=2).mean_psnr > least  # a picture of the background alone has 7


@pytest.fixture
def set_threads():
    before = fastcv.get_num_threads(), torch.get_num_threads()

    def set_both(ours, torchs):
        fastcv.set_num_threads(ours)
        torch.set_num_threads(torchs)

    yield set_both
    set_both(*before)


@pytest.mark.parametrize("preset", ["hash", "voxels", "nerf"])
def test_threads_do_not_matter(scene, preset, set_threads):
    results = []
    for threads in ((1, 1), (2, 2), (8, 1)):
        set_threads(*threads)
        options = nerf.TrainOptions(preset, **SMALL[preset]).for_scene(scene)
        trainer = modules.Trainer(scene, options, seed=0, device="cpu")
        for i in range(18):  # the 16th is followed by an update of the occupancy grid
            trainer.step(i / 18)
        results.append(parameters(trainer))
    assert same(results[0], results[1])
    assert same(results[0], results[2])


def test_seeds_differ(scene):
    options = nerf.TrainOptions("hash", **SMALL["hash"])
    a, b = (parameters(nerf.train(scene, options=options, steps=2, seed=seed)) for seed in (0, 1))
    assert not same(a, b)


@pytest.mark.parametrize("preset", ["hash", "voxels", "nerf"])
def test_an_interrupted_training_goes_on_to_the_same_result(scene, preset, tmp_path):
    options, path = nerf.TrainOptions(preset, **SMALL[preset]), tmp_path / "training.npz"
    whole = nerf.train(scene, options=options, steps=24)

    def stop(progress):
        if progress.step == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nerf.train(scene, options=options, steps=24, every=6, checkpoint=path, callback=stop)
    seen = []
    again = nerf.train(scene, options=options, steps=24, every=6, checkpoint=path, callback=seen.append)
    assert [progress.step for progress in seen] == [18, 24]
    assert same(parameters(whole), parameters(again))


KILLED = """
    import sys
    sys.path.insert(0, {tests!r})
    import fastcv, torch
    from fastcv import nerf
    from nerf.ball_scene import ball_scene
    torch.set_num_threads(1)
    def tell(progress):
        print(progress.step, flush=True)
    options = nerf.TrainOptions("hash", samples=4096, cells=32)
    nerf.train(ball_scene(), options=options, steps=40, every=10, checkpoint={path!r}, callback=tell)
"""


def test_after_kill_9_training_goes_on_to_the_same_result(scene, tmp_path):
    path = tmp_path / "training.npz"
    script = textwrap.dedent(KILLED).format(tests=str(Path(__file__).parents[1]), path=str(path))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "10\n"
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    options = nerf.TrainOptions("hash", **SMALL["hash"])
    again = nerf.train(scene, options=options, steps=40, every=10, checkpoint=path)
    assert same(parameters(nerf.train(scene, options=options, steps=40)), parameters(again))


def test_seconds_end_training_by_the_clock(scene):
    ticks = count()
    seen = []
    options = nerf.TrainOptions("hash", **SMALL["hash"])
    clock = lambda: next(ticks) * 0.25  # noqa: E731 - a step takes a quarter of a second by it
    nerf.train(scene, options=options, seconds=2.0, every=3, clock=clock, callback=seen.append)
    assert [progress.step for progress in seen] == [3, 6, 8]
    assert seen[-1].seconds == 2.0
    assert [progress.share for progress in seen] == [0.375, 0.75, 1.0]


def test_a_saved_field_renders_the_same(trained, scene, tmp_path):
    trained.save(tmp_path / "ball.npz")
    loaded = nerf.load_field(tmp_path / "ball.npz")
    views = [field.render_view(scene.cameras[0], scene.cam_from_world[0]) for field in (trained, loaded)]
    for a, b in zip(*views, strict=True):
        np.testing.assert_array_equal(a, b)


def test_mesh_is_the_ball(trained):
    mesh = trained.mesh(resolution=32, level=4.0)
    outside = np.linalg.norm(mesh.vertices, axis=1).max()
    assert outside == pytest.approx(RADIUS, abs=0.1)
    outer = np.linalg.norm(mesh.vertices, axis=1) > 0.9 * RADIUS
    assert outer.sum() > 100
    assert mesh.colors is not None
    error = np.abs(mesh.colors[outer] / 255 - ball_color(mesh.vertices[outer].astype(float)))
    assert error.mean() < 0.1


def test_density_is_nothing_beside_the_box(trained):
    points = [[0, 0, 0.95 * RADIUS], [0, 0, 2.0], [np.nan, 0, 0]]
    values = trained.density(points)
    assert values[0] > 1
    assert values[1:].tolist() == [0, 0]


def test_evaluating_refuses_a_split_without_images(trained, scene):
    with pytest.raises(ValueError, match="split: expected one with images, got 'val'"):
        trained.evaluate(scene, split="val")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"steps": 1, "seconds": 1.0}, "steps, seconds: expected one of them"),
        ({"steps": 0}, "steps: expected a positive number, got 0"),
        ({"seconds": float("nan")}, "seconds: expected a positive number, got nan"),
        ({"steps": 1, "every": 0}, "every: expected a positive number"),
        ({"steps": 1, "seed": -1}, "seed: expected 0 to"),
        ({"preset": "mlp"}, "preset: expected hash or voxels or nerf, got 'mlp'"),
    ],
)
def test_train_refuses(scene, kwargs, message):
    with pytest.raises(ValueError, match=message):
        nerf.train(scene, **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"rate": 0.0}, "rate: expected a positive number, got 0.0"),
        ({"step": float("inf")}, "step: expected a positive number, got inf"),
        ({"near": -1.0}, "near: expected 0 or more, got -1.0"),
        ({"cone_angle": float("nan")}, "cone_angle: expected 0 or more, got nan"),
    ],
)
def test_options_refuse(kwargs, message):
    with pytest.raises(ValueError, match=message):
        nerf.TrainOptions(**kwargs)


def test_a_checkpoint_of_another_training_is_refused(scene, tmp_path):
    options, path = nerf.TrainOptions("hash", **SMALL["hash"]), tmp_path / "training.npz"
    nerf.train(scene, options=options, steps=1, checkpoint=path)
    with pytest.raises(ValueError, match="checkpoint: expected one of a training with the same seed, 1, got 0"):
        nerf.train(scene, options=options, steps=1, seed=1, checkpoint=path)


def test_a_file_that_is_no_field_is_refused(tmp_path):
    path = tmp_path / "field.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(FormatError, match="expected a radiance field"):
        nerf.load_field(path)
    np.savez(path, head=np.array('{"format": "another"}'))
    with pytest.raises(FormatError, match="got another format"):
        nerf.load_field(path)


def test_a_scene_without_training_images_is_refused(scene):
    images = scene.splits["test"]
    empty = nerf.Scene(scene.source, scene.cameras, scene.cam_from_world, scene.box, {"test": images})
    with pytest.raises(ValueError, match="expected images of split 'train', got none"):
        nerf.train(empty, steps=1)


def test_options_follow_the_scene(scene):
    chosen = nerf.TrainOptions().for_scene(scene)
    # 38.4 px * 1.5 / 2 = 28.8 pixels across the box: 2^(5 + 1) vertices.
    assert (chosen.levels, chosen.cells, chosen.finest) == (1, 64, 64)
    assert chosen.step == pytest.approx(1.5 * np.sqrt(3) / 360)  # a pixel would be longer
    wide = nerf.Scene(scene.source, scene.cameras, scene.cam_from_world, 8 * scene.box, scene.splits)
    # Cameras look at a box of side 2; one of side 12 has to be halved three times.
    assert nerf.TrainOptions().for_scene(wide).levels == 4
    assert nerf.TrainOptions(levels=2).for_scene(wide).levels == 2
