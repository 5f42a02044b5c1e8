"""Feet that stand: flat on the ground, in one place, none of them under it."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from understudy.body.model import BodyModel
from understudy.motion.clip import Clip
from understudy.motion.frames import joint_frames, parts
from understudy.motion.stances import find_stances
from understudy.motion.turns import swung

WANDERS = 0.08
"""m; a point that goes farther within a stance shuffles, and is left to."""
TWITCH = 0.25
"""s for which a foot that stands may seem to move."""
HANDED_ON = 0.05
"""m; farther than this a stance is not moved for the one that it follows."""
EASE = 0.04
"""s over which corrections are smoothed."""
SINKS = 0.15
"""s over which the pelvis comes down to where both feet reach the ground."""
HOVER = 0.012
"""m; by so little a foot may miss the ground before the pelvis comes down for it: bent knees look worse."""
STRETCH = 0.9995
"""Of the leg's length: so far it straightens."""
TILT = 35.0
"""Degrees; a foot that stands more askew means it."""
FLAT_FRAMES = 5


@dataclass(frozen=True)
class _Leg:
    """Joints of one leg, and the points of its foot."""

    hip: int
    knee: int
    ankle: int
    foot: int
    heel: np.ndarray  # [n,3] m, hull of what turns with the ankle, from the ankle
    toes: np.ndarray  # [m,3] m, of what turns with the foot's joint, from that

    def lowest(self, turns: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Height [T] of the lowest point of the foot for orientations [T,J,3,3] and places [T,J,3]."""
        ends = [
            (turns[:, joint, 1] @ points.T).min(axis=1) + places[:, joint, 1]
            for joint, points in ((self.ankle, self.heel), (self.foot, self.toes))
        ]
        return np.minimum(*ends)


def plant_feet(clip: Clip, body: BodyModel) -> Clip:
    """The same motion with feet that stand, where they nearly do.

    A foot is turned, by one turn for the whole clip, so that its sole is level on average while it stands. In a stance the
    ankle or the ball of the foot keeps its mean place and the sole touches the ground; between stances that correction fades
    from one to the next. Hips and knees bend for it, the knee staying in its plane; where a leg is too short
    the pelvis comes down. All else is as it was.

    Args:
        clip: A motion with the ground at y = 0.
        body: Who moves; its template is the person's shape.
    """
    if len(clip) < 3:
        return clip
    rest = (body.J_regressor @ body.v_template).double().numpy()
    legs = [_leg(body, rest, side) for side in ("left", "right")]
    turns, places = joint_frames(clip, body)
    for leg in legs:
        _level(turns, places, leg, rest, clip.fps)
    places[..., 1] -= _ground(turns, places, legs, clip.fps)
    targets = [_target(turns, places, leg, clip.fps) for leg in legs]
    drop = _drop(places, rest, legs, targets, clip.fps)
    places[..., 1] -= drop[:, None]
    for leg, target in zip(legs, targets, strict=True):
        _reach(turns, places, leg, rest, target)
    return Clip.of(_local(turns, body), places[:, 0] - rest[0], clip.fps)


def _leg(body: BodyModel, rest: np.ndarray, side: str) -> _Leg:
    hip, knee, ankle, foot = (body.joint(f"{side}_{name}") for name in ("hip", "knee", "ankle", "foot"))
    owner, vertices = body.lbs_weights.argmax(dim=1).numpy(), body.v_template.double().numpy()

    def hull(joint: int) -> np.ndarray:
        own = vertices[owner == joint] - rest[joint]
        # a body whose feet have no toes of their own has all in the ankle
        return own[ConvexHull(own).vertices] if len(own) > 8 else np.zeros((1, 3))

    return _Leg(hip, knee, ankle, foot, hull(ankle), hull(foot))


def _stances(places: np.ndarray, leg: _Leg, fps: float) -> dict[int, list[tuple[int, int]]]:
    """Stances of the ankle and of the foot's joint."""
    return {joint: find_stances(places[:, joint], fps, TWITCH) for joint in (leg.ankle, leg.foot)}


def _level(turns: np.ndarray, places: np.ndarray, leg: _Leg, rest: np.ndarray, fps: float) -> None:
    """Turn a foot so that it is level on average while all of it stands, in place."""
    stands = np.ones(len(turns), bool)
    for stretches in _stances(places, leg, fps).values():
        own = np.zeros(len(turns), bool)
        for start, stop in stretches:
            own[start:stop] = True
        stands &= own
    if stands.sum() < FLAT_FRAMES:
        return
    up = turns[stands, leg.ankle, 1].mean(axis=0)  # the world's up in the foot's axes
    turn, _ = Rotation.align_vectors([up], [[0.0, 1.0, 0.0]])
    if np.degrees(turn.magnitude()) > TILT:
        return
    toes = turns[:, leg.ankle].swapaxes(1, 2) @ turns[:, leg.foot]
    turns[:, leg.ankle] = turns[:, leg.ankle] @ turn.as_matrix()
    turns[:, leg.foot] = turns[:, leg.ankle] @ toes
    places[:, leg.foot] = places[:, leg.ankle] + turns[:, leg.ankle] @ (rest[leg.foot] - rest[leg.ankle])


def _ground(turns: np.ndarray, places: np.ndarray, legs: list[_Leg], fps: float) -> float:
    """Height (m) at which soles are while they stand: half of them a little higher, half a little lower."""
    lows = [leg.lowest(turns, places) for leg in legs]
    standing = [
        low[start:stop] for leg, low in zip(legs, lows, strict=True)
        for stretches in _stances(places, leg, fps).values() for start, stop in stretches
    ]  # fmt: skip
    return float(np.median(np.concatenate(standing)) if standing else np.percentile(np.minimum(*lows), 5))


def _target(turns: np.ndarray, places: np.ndarray, leg: _Leg, fps: float) -> np.ndarray:
    """Where the ankle is to be [T,3]."""
    length = len(turns)
    shift, count = np.zeros((length, 2)), np.zeros(length)
    found = [(start, stop, joint) for joint, own in _stances(places, leg, fps).items() for start, stop in own]
    for start, stop, joint in sorted(found):
        ground = places[start:stop, joint][:, [0, 2]]
        if np.linalg.norm(np.ptp(ground, axis=0)) > WANDERS:
            continue
        held, anchor = count[start:stop] > 0, ground.mean(axis=0)
        if held.any():
            # the heel stands already: the ball comes down where the held foot has it
            there = (ground + shift[start:stop] / np.maximum(count[start:stop], 1)[:, None])[held].mean(axis=0)
            anchor = there if np.linalg.norm(there - anchor) < HANDED_ON else anchor
        shift[start:stop] += anchor - ground
        count[start:stop] += 1
    low, stands = leg.lowest(turns, places), count > 0
    if not stands.any():
        return places[:, leg.ankle] + np.stack([0 * low, np.maximum(-low, 0.0), 0 * low], axis=1)
    times = np.flatnonzero(stands)
    known = np.concatenate([shift[stands] / count[stands, None], -low[stands, None]], axis=1)
    steady = np.stack([np.interp(np.arange(length), times, column) for column in known.T], axis=1)
    steady = gaussian_filter1d(steady, EASE * fps, axis=0, mode="nearest")
    # never under the ground, whatever the foot does in the air
    lift = np.maximum(steady[:, 2], -low)
    return places[:, leg.ankle] + np.stack([steady[:, 0], lift, steady[:, 1]], axis=1)


def _drop(places: np.ndarray, rest: np.ndarray, legs: list[_Leg], targets: list[np.ndarray], fps: float) -> np.ndarray:
    """How far [T] (m) the pelvis must come down for both ankles to be reached."""
    needed = np.zeros(len(places))
    for leg, target in zip(legs, targets, strict=True):
        longest = STRETCH * sum(_lengths(leg, rest))
        away = places[:, leg.hip] - target
        over = np.linalg.norm(away[:, [0, 2]], axis=1)
        height = np.sqrt(np.maximum(longest**2 - over**2, 0.0))
        needed = np.maximum(needed, away[:, 1] - height - HOVER)
    width = SINKS * fps
    return gaussian_filter1d(maximum_filter1d(needed, int(2 * width) + 1, mode="nearest"), width / 2, mode="nearest")


def _lengths(leg: _Leg, rest: np.ndarray) -> tuple[float, float]:
    """Thigh and shin, m."""
    return float(np.linalg.norm(rest[leg.knee] - rest[leg.hip])), float(
        np.linalg.norm(rest[leg.ankle] - rest[leg.knee])
    )


def _reach(turns: np.ndarray, places: np.ndarray, leg: _Leg, rest: np.ndarray, target: np.ndarray) -> None:
    """Bend a leg so that the ankle comes to ``target`` [T,3] with the foot's orientation kept, in place."""
    thigh, shin = _lengths(leg, rest)
    hip = places[:, leg.hip]
    line = target - hip
    reach = np.linalg.norm(line, axis=1, keepdims=True)
    along = line / reach
    reach = reach.clip(abs(thigh - shin) + 1e-6, STRETCH * (thigh + shin))
    # the knee stays on the side where it is; a straight leg's is before it
    side = places[:, leg.knee] - hip + 0.02 * turns[:, leg.hip, :, 2]
    side -= (side * along).sum(axis=1, keepdims=True) * along
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    cosine = ((thigh**2 + reach**2 - shin**2) / (2 * thigh * reach)).clip(-1.0, 1.0)
    knee = hip + thigh * (cosine * along + np.sqrt(1 - cosine**2) * side)
    ankle = hip + reach * along
    before = turns[:, leg.hip].copy()
    turns[:, leg.hip] = swung(before, rest[leg.knee] - rest[leg.hip], knee - hip)
    carried = turns[:, leg.hip] @ before.swapaxes(1, 2) @ turns[:, leg.knee]
    turns[:, leg.knee] = swung(carried, rest[leg.ankle] - rest[leg.knee], ankle - knee)
    places[:, leg.knee], places[:, leg.ankle] = knee, ankle


def _local(turns: np.ndarray, body: BodyModel) -> np.ndarray:
    """Rotation vectors [T,J,3] relative to the parents."""
    parents, rotvecs = np.maximum(np.array(body.parents), 0), np.empty(turns.shape[:3])
    for part in parts(len(turns)):
        local = turns[part][:, parents].swapaxes(-1, -2) @ turns[part]
        local[:, 0] = turns[part, 0]
        rotvecs[part] = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(-1, len(parents), 3)
    return rotvecs
