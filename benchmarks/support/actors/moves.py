"""Motions from formulas, for actors that need no recorded one: a turn on the spot, a walk round a circle, a stop and turn."""

from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.support.actors.rig import Motion, stance_path
from data.demo.person import Body, relaxed_pose, smooth_step

Angles = dict[str, np.ndarray]
"""Turns of bones over T frames, degrees [T,3] about x, y, z."""


def turn_in_place(body: Body, frames: int, fps: float) -> Motion:
    """A full turn in A-pose with small steps."""
    t = np.arange(frames) / (frames - 1)
    busy = smooth_step(t, 0.0, 0.08) * (1 - smooth_step(t, 0.92, 1.0))
    phase = 2 * np.pi * 5 * t
    yaw = -2 * np.pi * (t - 0.02 * np.sin(2 * np.pi * t))
    angles = _idle(frames, fps)
    for side, stride in (("L", np.maximum(np.sin(phase), 0)), ("R", np.maximum(-np.sin(phase), 0))):
        _add(angles, f"upperleg01.{side}", x=-17 * stride * busy)
        _add(angles, f"lowerleg01.{side}", x=30 * stride * busy)
        _add(angles, f"foot.{side}", x=-8 * stride * busy)
    _add(angles, "spine03", y=1.5 * np.sin(phase) * busy)
    return _motion(body, angles, yaw, fps)


def circle(body: Body, frames: int, fps: float) -> Motion:
    """A walk once round a small circle, at first across the picture."""
    t = np.arange(frames) / fps
    yaw = np.radians(70) - 2 * np.pi * np.arange(frames) / (frames - 1)
    return _walk(body, yaw, np.full(frames, 0.9), 1.75 * np.pi * t, fps)


def stop_and_turn(body: Body, frames: int, fps: float) -> Motion:
    """Towards the camera, a stop, a half turn, away from it again."""
    t = np.arange(frames) / frames
    pace = 1 - smooth_step(t, 0.28, 0.36) + smooth_step(t, 0.68, 0.78)
    turning = smooth_step(t, 0.40, 0.46) * (1 - smooth_step(t, 0.66, 0.70))
    yaw = np.radians(18) + np.radians(160) * smooth_step(t, 0.40, 0.70)
    return _walk(body, yaw, np.maximum(pace, 0.3 * turning), 1.9 * np.pi * np.arange(frames) / fps, fps, pace)


def reach_and_squat(body: Body, frames: int, fps: float) -> Motion:
    """Both arms up, a squat with the arms ahead, a side bend, turned a little to and fro."""
    t = np.arange(frames) / frames
    up = smooth_step(t, 0.05, 0.22) * (1 - smooth_step(t, 0.30, 0.45))
    squat = smooth_step(t, 0.42, 0.55) * (1 - smooth_step(t, 0.64, 0.76))
    bend = smooth_step(t, 0.76, 0.88)
    angles = _idle(frames, fps)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        # rest arms hang 45 degrees out: up is 115 more, ahead is down first and then forwards
        _add(angles, f"clavicle.{side}", y=-18 * sign * up)
        _add(angles, f"upperarm01.{side}", y=sign * (-95 * up + 22 * squat + 18 * bend), x=-70 * squat)
        _add(angles, f"lowerarm01.{side}", y=-12 * sign * up, x=-15 * bend)
        _add(angles, f"upperleg01.{side}", x=-78 * squat, y=-6 * sign * squat)
        _add(angles, f"lowerleg01.{side}", x=100 * squat)
        _add(angles, f"foot.{side}", x=-26 * squat)
    _add(angles, "root", x=22 * squat)
    for bone in ("spine04", "spine03", "spine02"):
        _add(angles, bone, y=8 * bend, x=3 * squat)
    _add(angles, "neck01", x=-12 * squat)
    yaw = np.radians(28) * np.sin(2 * np.pi * t)
    return _motion(body, angles, yaw, fps)


def _walk(
    body: Body, yaw: np.ndarray, size: np.ndarray, phase: np.ndarray, fps: float, arms: np.ndarray | None = None
) -> Motion:
    """A gait: ``size`` [T] scales the strides, ``phase`` [T] is the left leg's, 0 at its heel strike."""
    arms = size if arms is None else arms
    angles = _idle(len(yaw), fps)
    for side, sign, own in (("L", 1.0, phase), ("R", -1.0, phase + np.pi)):
        cycle = own / (2 * np.pi) % 1.0
        swing = 22 * np.cos(own - 0.25) + 5
        knee = 14 * _bump(cycle, 0.16, 0.08) + 56 * _bump(cycle, 0.72, 0.10)
        ankle = 14 * _bump(cycle, 0.62, 0.07) - 6 * _bump(cycle, 0.40, 0.12)
        _add(angles, f"upperleg01.{side}", x=-swing * size, y=1.5 * sign)
        _add(angles, f"lowerleg01.{side}", x=(4 + knee) * size)
        _add(angles, f"foot.{side}", x=ankle * size)
        _add(angles, f"upperarm01.{side}", y=25 * sign, x=20 * np.cos(own) * arms)
        _add(angles, f"lowerarm01.{side}", x=(6 * np.cos(own) - 8) * arms)
    _add(angles, "root", z=-5 * np.cos(phase) * size, y=2.0 * np.sin(phase) * size, x=2.0 * size)
    _add(angles, "spine02", z=8 * np.cos(phase) * size, y=-1.5 * np.sin(phase) * size)
    _add(angles, "neck01", z=-3 * np.cos(phase) * size)
    return _motion(body, angles, yaw, fps)


def _bump(cycle: np.ndarray, middle: float, width: float) -> np.ndarray:
    off = (cycle - middle + 0.5) % 1.0 - 0.5
    return np.exp(-((off / width) ** 2))


def _idle(frames: int, fps: float) -> Angles:
    """Breath and a slow wander of the head."""
    t = np.arange(frames) / fps
    angles: Angles = {}
    _add(angles, "spine02", x=0.7 * np.sin(2 * np.pi * 0.3 * t))
    _add(angles, "neck01", x=6.0 + 1.5 * np.sin(2 * np.pi * 0.23 * t), z=4.0 * np.sin(2 * np.pi * 0.31 * t))
    return angles


def _add(
    angles: Angles, bone: str, x: np.ndarray | float = 0.0, y: np.ndarray | float = 0.0, z: np.ndarray | float = 0.0
) -> None:
    extra = np.stack(np.broadcast_arrays(*(np.asarray(a, float) for a in (x, y, z))), axis=-1)
    angles[bone] = angles.get(bone, np.zeros(3)) + extra


def _motion(body: Body, angles: Angles, yaw: np.ndarray, fps: float) -> Motion:
    """The angles on top of the relaxed A-pose, the whole turned by ``yaw`` [T] and moved so that the feet do not slide."""
    base = relaxed_pose(body)
    turns = np.tile(np.eye(3), (len(yaw), len(body.names), 1, 1))
    for bone, name in enumerate(body.names):
        turn = Rotation.from_rotvec(base.get(name, np.zeros(3))).as_matrix()
        if name in angles:
            degrees = np.broadcast_to(angles[name], (len(yaw), 3))
            turn = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ turn
        turns[:, bone] = turn
    turns[:, 0] = Rotation.from_euler("z", yaw[:, None]).as_matrix() @ turns[:, 0]
    return Motion(turns, stance_path(body, turns, fps), fps)


MOVES: dict[str, Callable[[Body, int, float], Motion]] = {
    "turn in place": turn_in_place,
    "circle": circle,
    "stop and turn": stop_and_turn,
    "reach and squat": reach_and_squat,
}
