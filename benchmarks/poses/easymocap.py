"""Our fit beside EasyMocap's, on synthetic people: the same keypoints, camera, body and start, one CPU thread each.

python -m benchmarks.poses.easymocap FOLDER EASYMOCAP

FOLDER is that of ``benchmarks.poses.truth``, run before. EASYMOCAP is a checkout of zju3dv/EasyMocap, of which the
optimisation of ``config/1v1p/hrnet_pare_finetune.yml`` runs unchanged; it needs the package termcolor. Where that starts
from PARE's poses, both start here from ours, in closed form from the detector's 3D guess. The body goes there with its
own weights of joints and 25 keypoints and without pose correctives; the camera is the true one.
"""

import argparse
import contextlib
import io
import logging
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import roma
import torch
import yaml

from benchmarks.support.actors.cast import CAST
from benchmarks.support.actors.clips import truth_folder
from benchmarks.support.truth import Truth, load_free_body, pose_figures, posed_joints, posed_keypoints
from understudy.body.model import BodyModel
from understudy.body.rig import PointRig
from understudy.files.arrays import read_npz
from understudy.fitting.config import FittingConfig
from understudy.fitting.evidence import gather_evidence
from understudy.fitting.fit import fit_body
from understudy.fitting.initialise import initial_motion
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.skeleton import BODY_25
from understudy.formats.smpl import BodyTrack

CONFIG = "config/1v1p/hrnet_pare_finetune.yml"
SHAPES = 10


def main() -> None:
    """Run both on every actor of the folder, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("easymocap", type=Path)
    parser.add_argument("--actors", nargs="+", choices=[actor.name for actor in CAST])
    options = parser.parse_args()
    logging.disable(logging.INFO)
    torch.set_num_threads(1)
    body = load_free_body()
    names = [actor.name for actor in CAST if options.actors is None or actor.name in options.actors]
    names = [name for name in names if (options.folder / "results" / name / "keypoints.npz").exists()]
    print("| actor | start | EasyMocap | ours | px | px | m/s² | m/s² | CPU s | CPU s |\n|---|" + "---|" * 9)
    rows = []
    for name in names:
        frames, keypoints, truth = clip_of(options.folder, name)
        if (frames.width, frames.height) != tuple(truth["size"]):
            continue  # of a run that made the pictures smaller
        start = start_of(frames, keypoints, body)
        theirs, their_seconds = easymocap_fit(options.easymocap, start, keypoints, body)
        began = time.process_time()
        ours = fit_body(keypoints, frames, Path(), body, FittingConfig(silhouettes=False))
        seconds = their_seconds, time.process_time() - began
        rows.append(figures_of((start, theirs, ours), seconds, keypoints, body, truth))
        show(name, np.array(rows[-1]))
    if rows:
        show("mean", np.mean(rows, axis=0))


def clip_of(folder: Path, name: str) -> tuple[Frames, Keypoints, Truth]:
    """Frames with the true camera, keypoints and truth of an actor."""
    results = folder / "results" / name
    truth = read_npz(truth_folder(folder, name) / "truth.npz")
    frames = replace(Frames.load(results / "frames.json"), K=truth["K"], K_source="config")
    return frames, Keypoints.load(results / "keypoints.npz"), truth


def start_of(frames: Frames, keypoints: Keypoints, body: BodyModel) -> BodyTrack:
    """The first guess from which our fit starts."""
    evidence = gather_evidence(keypoints, frames, body, FittingConfig().min_confidence)
    rig = PointRig.of_keypoints(body).at(torch.tensor([body.keypoint_names.index(name) for name in evidence.names]))
    motion = initial_motion(evidence, rig)
    vectors = motion.rotvecs().numpy()
    return BodyTrack(
        global_orient=vectors[:, 0],
        body_pose=vectors[:, 1:].reshape(len(vectors), -1),
        transl=motion.transl.numpy(),
        betas=motion.betas.numpy(),
        K=frames.K,
        body_model=(body.name, body.sha256),
        reprojection_px=np.zeros(len(vectors), np.float32),
        valid=np.ones(len(vectors), bool),
    )


def easymocap_fit(checkout: Path, start: BodyTrack, keypoints: Keypoints, body: BodyModel) -> tuple[BodyTrack, float]:
    """What EasyMocap makes of a start, by its own classes as its own file says, and its CPU seconds once the body is loaded."""
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    from easymocap.config import CfgNode, load_object

    steps: dict[str, Any] = yaml.safe_load((checkout / CONFIG).read_text())["args"]["at_final"]
    columns = [keypoints.names.index(name) for name in BODY_25]
    points = keypoints.keypoints[:, columns].astype(np.float32)
    count = len(points)
    cameras = {
        "K": np.tile(start.K.astype(np.float32), (count, 1, 1)),
        "R": np.tile(np.eye(3, dtype=np.float32), (count, 1, 1)),
        "T": np.zeros((count, 3, 1), np.float32),
    }
    params = {
        "Rh": start.global_orient.astype(np.float32),
        "Th": start.transl.astype(np.float32),
        "poses": start.body_pose.astype(np.float32),
        "shapes": np.tile(start.betas[None, :SHAPES].astype(np.float32), (count, 1)),
    }
    with tempfile.TemporaryDirectory() as temporary, contextlib.redirect_stdout(io.StringIO()):
        write_body(body, Path(temporary))
        loader = load_object(
            steps["load_body_model"]["module"],
            {"model_path": f"{temporary}/body.npz", "regressor_path": f"{temporary}/body25.npy"},
        )
        given: dict[str, Any] = {"keypoints": points, "cameras": cameras, "params": params, **loader()}
        began = time.process_time()
        for name in ("init_translation", "smooth", "mean_param", "init_RT", "refine_poses"):
            step = CfgNode(steps[name])
            for _ in range(step.get("repeat", 1)):
                wanted = [*step.get("key_from_data", []), *step.get("key_from_previous", []), "params"]
                done = load_object(step.module, step.args)(**{key: given[key] for key in dict.fromkeys(wanted)})
                given.update(done or {})
        seconds = time.process_time() - began
    params = given["params"]
    betas = np.pad(params["shapes"][0], (0, body.num_betas - SHAPES)).astype(np.float32)
    _, joints = body.shaped(torch.from_numpy(betas))
    # there the body turns about the origin, here about the pelvis
    pelvis = joints[0].numpy()
    turned = roma.rotvec_to_rotmat(torch.from_numpy(params["Rh"])).numpy() @ pelvis
    track = replace(
        start,
        global_orient=params["Rh"],
        body_pose=params["poses"],
        transl=params["Th"] + turned - pelvis,
        betas=betas,
    )
    return track, seconds


def write_body(body: BodyModel, folder: Path) -> None:
    """The body as EasyMocap reads SMPL, and its 25 keypoints as weights of vertices."""
    vertices = len(body.v_template)
    regressor = np.zeros((len(BODY_25), vertices), np.float32)
    for place, name in enumerate(BODY_25):
        column = body.keypoint_names.index(name)
        np.add.at(regressor[place], body.keypoint_vertices[column].numpy(), body.keypoint_weights[column].numpy())
    np.save(folder / "body25.npy", regressor)
    np.savez(
        folder / "body.npz",
        f=body.faces,
        v_template=body.v_template.numpy(),
        shapedirs=body.shapedirs[..., :SHAPES].numpy(),
        posedirs=np.zeros((vertices, 3, 9 * (len(body.parents) - 1)), np.float32),
        J_regressor=body.J_regressor.to_dense().numpy(),
        weights=body.lbs_weights.to_dense().numpy(),
        kintree_table=np.stack([np.array(body.parents), np.arange(len(body.parents))]),
    )


def figures_of(
    tracks: tuple[BodyTrack, ...], seconds: tuple[float, float], keypoints: Keypoints, body: BodyModel, truth: Truth
) -> list[float]:
    """MPJPE and PA-MPJPE (mm) of the start and both fits; of the fits reprojection (px), acceleration (m/s^2), CPU seconds."""
    poses = [pose_figures(posed_joints(body, track), truth) for track in tracks]
    values = [value for pose in poses for value in (pose.mpjpe, pose.pa_mpjpe)]
    values += [reprojection(track, keypoints, body) for track in tracks[1:]]
    return [*values, *(pose.acceleration for pose in poses[1:]), *seconds]


def show(name: str, values: np.ndarray) -> None:
    """Print one row."""
    pairs = [f"{values[i]:.1f} / {values[i + 1]:.1f}" for i in (0, 2, 4)]
    rest = [f"{value:.2f}" for value in values[6:10]] + [f"{value:.1f}" for value in values[10:]]
    print(f"| {name} | " + " | ".join([*pairs, *rest]) + " |", flush=True)


def reprojection(track: BodyTrack, keypoints: Keypoints, body: BodyModel) -> float:
    """Mean distance in px of sure keypoints of BODY_25 from the body's."""
    points = posed_keypoints(body, track, BODY_25)
    seen = keypoints.keypoints[:, [keypoints.names.index(name) for name in BODY_25]]
    pixels = points @ track.K.T.astype(np.float32)
    error = np.linalg.norm(pixels[..., :2] / pixels[..., 2:] - seen[..., :2], axis=-1)
    return float(error[seen[..., 2] > FittingConfig().min_confidence].mean())


if __name__ == "__main__":
    main()
