"""The learned start against the plain one, on synthetic people, against their truth.

    python -m benchmarks.poses.regressor FOLDER [--demo results/actor] [--noise]

FOLDER is one of ``benchmarks.poses.truth``: it has truth/NAME and results/NAME. Starts and fits to keypoints are compared with
the detector's 3D guess and without it, where all points count, BODY_25's alone or COCO's 17. With --noise, the errors of the
detector that ``regressor/noise.py`` imitates are measured.
"""

import argparse
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from benchmarks.support.runs import REPOSITORY
from benchmarks.support.truth import Truth, load_free_body, pose_figures, posed_joints
from understudy.body.joints import ARM, LEG, LIMBS, SIDES, SMPL_JOINTS
from understudy.body.model import BodyModel
from understudy.body.rig import PointRig
from understudy.files.arrays import read_npz
from understudy.fitting.config import FittingConfig
from understudy.fitting.evidence import gather_evidence
from understudy.fitting.fit import fit_body
from understudy.fitting.initialise import initial_motion
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import BODY_25, COCO_17, KEYPOINTS

MEASURED = ("ines", "otto", "mira", "suri")
"""Actors whose errors set the sizes in ``regressor/noise.py``; the others and the demo's were only looked at."""

SETS = {"2D": KEYPOINTS, "BODY_25": BODY_25, "COCO": (*COCO_17, "neck", "mid_hip")}
"""Points that backends know; of COCO's the importer makes the middles of the shoulders and of the hips."""

BONES = tuple((f"{side}_{a}", f"{side}_{b}") for side in SIDES for a, b in (*pairwise(ARM), *pairwise(LEG)))
FLIPPED_M = 0.10

COLUMNS = ("MPJPE mm", "PA mm", "yaw °", "limbs flipped in depth %", "facing away %", "sides exchanged %", "CPU s")


@dataclass(frozen=True)
class Person:
    """One synthetic person."""

    name: str
    keypoints: Keypoints
    frames: Frames
    truth: Truth


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="has truth/NAME/truth.npz and results/NAME")
    parser.add_argument("--demo", type=Path, help="results of the demo actor")
    parser.add_argument("--weights", type=Path, default=REPOSITORY / "models/pose_regressor.safetensors")
    parser.add_argument("--actors", nargs="+", help="only these")
    parser.add_argument("--noise", action="store_true", help="measure the detector's errors, nothing else")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    torch.set_num_threads(1)
    body = load_free_body()
    people = list(find_people(options.folder, options.demo, options.actors))
    if options.noise:
        report_noise(people)
        return
    report_ways(people, body, options.weights)


def find_people(folder: Path, demo: Path | None, names: list[str] | None) -> list[Person]:
    """Everybody of whom there is truth and keypoints."""
    where = {
        path.name: (folder / "results" / path.name, path / "truth.npz") for path in sorted((folder / "truth").iterdir())
    }
    if demo is not None:
        where["demo"] = (demo, REPOSITORY / "data/demo/truth/truth.npz")
    people = []
    for name, (results, truth) in where.items():
        if (names is None or name in names) and (results / "keypoints.npz").exists():
            frames = Frames.load(results / "frames.json", results / "frames")
            people.append(Person(name, Keypoints.load(results / "keypoints.npz"), frames, read_npz(truth)))
    return people


def report_ways(people: list[Person], body: BodyModel, weights: Path) -> None:
    """A table for every way from keypoints to a motion, then one of all means."""
    fit, alone = FittingConfig(silhouettes=False), FittingConfig(backend="regressor")
    ways: dict[str, Callable[[Person], np.ndarray]] = {
        "start, detector's guess": lambda person: plain_start(person.keypoints, person, body),
        "fit, detector's guess": lambda person: fitted(person.keypoints, person, body, fit, None),
        "network alone": lambda person: fitted(person.keypoints, person, body, alone, weights),
    }
    for label, names in SETS.items():
        flat = partial(without_guess, names=names)
        ways |= {
            f"start, {label}": lambda person, flat=flat: plain_start(flat(person), person, body),
            f"fit, {label}": lambda person, flat=flat: fitted(flat(person), person, body, fit, None),
            f"fit with network, {label}": lambda person, flat=flat: fitted(flat(person), person, body, fit, weights),
        }
    means = {}
    for way, move in ways.items():
        rows = []
        for person in people:
            started = time.process_time()
            joints = move(person)
            seconds = time.process_time() - started
            rows.append([*pose_row(joints, person.truth), seconds])
        means[way] = np.mean(rows, axis=0)
        table(way, [person.name for person in people], rows)
        others = [row for person, row in zip(people, rows, strict=True) if person.name not in MEASURED]
        if others:
            means[f"{way} (unmeasured)"] = np.mean(others, axis=0)
    table("means", list(means), list(means.values()))


def plain_start(keypoints: Keypoints, person: Person, body: BodyModel) -> np.ndarray:
    """Joints [T,24,3] of the first guess in closed form, m."""
    evidence = gather_evidence(keypoints, person.frames, body, FittingConfig().min_confidence)
    rig = PointRig.of_keypoints(body).at(torch.tensor([body.keypoint_names.index(name) for name in evidence.names]))
    with torch.no_grad():
        return initial_motion(evidence, rig).points(rig)[1].numpy()


def fitted(
    keypoints: Keypoints, person: Person, body: BodyModel, config: FittingConfig, weights: Path | None
) -> np.ndarray:
    """Joints [T,24,3] of the fit to keypoints, m."""
    return posed_joints(body, fit_body(keypoints, person.frames, Path(), body, config, weights))


def without_guess(person: Person, names: tuple[str, ...]) -> Keypoints:
    """As of a backend that knows the named points alone, and in 2D alone."""
    points = person.keypoints.keypoints[:, [person.keypoints.names.index(name) for name in names]]
    return replace(person.keypoints, keypoints=points, names=names, world=np.zeros_like(points))


def pose_row(joints: np.ndarray, truth: Truth) -> list[float]:
    """The figures of ``COLUMNS`` but for the last."""
    figures, true = pose_figures(joints, truth), truth["joints"]
    return [
        figures.mpjpe, figures.pa_mpjpe, yaw_error(joints, true, truth["up"]), 100 * flipped(joints, true),
        100 * figures.wrong_facing, 100 * figures.wrong_limbs,
    ]  # fmt: skip


def yaw_error(joints: np.ndarray, true: np.ndarray, up: np.ndarray) -> float:
    """Mean error of the direction of the line through hips and shoulders, seen from above, degrees."""

    def across(points: np.ndarray) -> np.ndarray:
        pairs = (("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"))
        line = sum(points[:, SMPL_JOINTS.index(a)] - points[:, SMPL_JOINTS.index(b)] for a, b in pairs)
        line = line - (line * up).sum(axis=-1, keepdims=True) * up
        return line / np.linalg.norm(line, axis=1, keepdims=True)

    return float(np.degrees(np.arccos(np.clip((across(joints) * across(true)).sum(axis=1), -1, 1))).mean())


def flipped(joints: np.ndarray, true: np.ndarray) -> float:
    """Share of limbs' ends on the wrong side, in depth, of the joint above, by more than 10 cm of relative depth."""
    wrong = []
    for upper, lower in BONES:
        a, b = SMPL_JOINTS.index(upper), SMPL_JOINTS.index(lower)
        ray = true[:, a] / np.linalg.norm(true[:, a], axis=1, keepdims=True)
        found, right = ((((points[:, b] - points[:, a]) * ray).sum(axis=1)) for points in (joints, true))
        wrong.append((found * right < 0) & (np.abs(found - right) > FLIPPED_M))
    return float(np.mean(wrong))


def table(title: str, names: list[str], rows: list[list[float]]) -> None:
    """Print rows of figures."""
    print(f"\n{title}\n\n| | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS))
    for name, row in zip(names, rows, strict=True):
        print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in row) + " |", flush=True)


def report_noise(people: list[Person]) -> None:
    """Errors of the detector's 12 limb joints in the picture, along an axis, in % of the person's height."""
    names = [name for name in SMPL_JOINTS if name in LIMBS]
    rows = [SMPL_JOINTS.index(name) for name in names]
    print("| person | all | standing | moving | of one frame | correlation after 0.2 s |\n|---|---|---|---|---|---|")
    for person in people:
        columns = [person.keypoints.names.index(name) for name in names]
        height = person.frames.K[1, 1] * float(person.truth["height_m"]) / person.truth["joints"][:, 0, 2]
        scale = person.frames.width / person.truth["size"][0]
        error = person.keypoints.keypoints[:, columns, :2] - person.truth["keypoints2d"][:, rows] * scale
        error = 100 * error / height[:, None, None]
        standing = error.mean(axis=0)
        moving, lag = error - standing, round(0.2 * person.frames.fps)
        fades = (moving[lag:] * moving[:-lag]).mean() / (moving**2).mean()
        sizes = (np.sqrt((part**2).mean()) for part in (error, standing, moving))
        alone = np.diff(error, n=2, axis=0).std() / np.sqrt(6)
        print(f"| {person.name} | " + " | ".join(f"{value:.2f}" for value in (*sizes, alone, fades)) + " |")


if __name__ == "__main__":
    main()
