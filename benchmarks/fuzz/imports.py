"""Readers of other programs' trackings, with valid files to begin from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.fuzz.target import Target
from tests.support.import_sources import (
    LENGTH,
    K,
    body_25,
    centred_at_whole,
    rh_th,
    smpl_body,
    truth,
    write_annots,
    write_cameras,
    write_easymocap_poses,
    write_instant_nvr,
    write_joblib,
    write_ntc,
    write_openpose,
    write_phalp,
)
from understudy.importers.config import ReadOptions
from understudy.importers.registry import guess_format, read_tracking

RANDOM = np.random.default_rng(0)


def _imports(make: Callable[[Path, Any], Any], name: str, kind: str) -> Target:
    def read(folder: Path) -> None:
        guess_format(folder / name)
        read_tracking(folder / name, kind, ReadOptions())

    return Target(lambda folder: make(folder / name, _known(folder)), read)


def _known(folder: Path) -> Any:
    known = truth(smpl_body(folder))
    (folder / "SMPL_NEUTRAL.npz").unlink()
    return known


def _parameters(known: Any, **more: Any) -> dict[str, Any]:
    names = ("global_orient", "body_pose", "transl", "betas")
    return {name: getattr(known, name) for name in names} | {"K": K} | more


def _easymocap(path: Path, known: Any) -> None:
    write_easymocap_poses(path / "smpl", *rh_th(known), known.body_pose, known.betas)
    write_annots(path / "annots", body_25(known))
    write_cameras(path, {"01": (centred_at_whole(), np.zeros(5), np.eye(3), np.zeros(3))})


def _alphapose(path: Path, known: Any) -> None:
    rows = [
        {
            "image_id": f"{i}.jpg",
            "keypoints": RANDOM.uniform(1, 200, 51).tolist(),
            "score": 2.0,
            "box": [1, 2, 30, 40],
            "idx": 1,
        }
        for i in range(LENGTH)
    ]
    path.write_text(json.dumps(rows))


def _romp(path: Path, known: Any) -> None:
    rows = {
        f"{i:06d}.jpg": {
            "smpl_thetas": RANDOM.normal(size=(1, 72)),
            "smpl_betas": np.zeros((1, 11)),
            "cam_trans": np.ones((1, 3)),
        }
        for i in range(LENGTH)
    }
    np.savez(path, results=np.array(rows, dtype=object))


def _wham(path: Path, known: Any) -> None:
    poses = np.concatenate([known.global_orient, known.body_pose], axis=1)
    people = {
        0: {
            "pose": poses,
            "trans": known.transl,
            "betas": np.tile(known.betas, (LENGTH, 1)),
            "frame_ids": np.arange(LENGTH),
        }
    }
    write_joblib(path, people, compress=True)


def _gvhmr(path: Path, known: Any) -> None:
    values = {"body_pose": known.body_pose[:, :63], "global_orient": known.global_orient, "transl": known.transl}
    values["betas"] = np.tile(known.betas, (LENGTH, 1))
    inside = {key: torch.from_numpy(np.asarray(value)) for key, value in values.items()}
    torch.save({"smpl_params_incam": inside, "K_fullimg": torch.from_numpy(np.tile(K, (LENGTH, 1, 1)))}, path)


IMPORTS: dict[str, Target] = {
    "EasyMocap": _imports(_easymocap, "mocap", "easymocap"),
    "OpenPose": _imports(lambda path, known: write_openpose(path, body_25(known)), "json", "openpose"),
    "AlphaPose": _imports(_alphapose, "alphapose.json", "alphapose"),
    "parameters npz": _imports(lambda path, known: np.savez(path, **_parameters(known)), "p.npz", "smpl"),
    "ROMP": _imports(_romp, "video_results.npz", "romp"),
    "4D-Humans": _imports(lambda path, known: write_phalp(path, known, known.transl), "p.pkl", "4d-humans"),
    "WHAM": _imports(_wham, "wham_output.pkl", "wham"),
    "GVHMR": _imports(_gvhmr, "hmr4d_results.pt", "gvhmr"),
    "NTC": _imports(lambda path, known: write_ntc(path, known, np.eye(4)), "ntc", "ntc"),
    "instant-nvr": _imports(
        lambda path, known: write_instant_nvr(path, known, np.eye(3), np.zeros(3)), "nvr", "instant-nvr"
    ),
}
"""By the names of the report."""
