"""Train the pose regressor on synthetic clips: ``python tools/train_regressor.py FOLDER_OF_BVH_FILES``.

Nothing but recorded motion and the free body goes in: no picture, no real person's keypoints.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import torch
import tyro

from understudy.body.files import load_body
from understudy.body.smpl_joints import on_smpl_joints
from understudy.fitting.regressor.files import save_net
from understudy.fitting.regressor.motions import Bank
from understudy.fitting.regressor.train import RegressorConfig, train
from understudy.motion.retarget import bvh_clip

logger = logging.getLogger("understudy")
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Arguments:
    """What to learn from and how."""

    motions: Annotated[Path, tyro.conf.Positional]
    """Folder of BVH files, searched with its subfolders."""
    out: Path = HERE.parent / "models/pose_regressor.safetensors"
    """File to write."""
    body: Path = HERE.parent / "models/understudy_body.npz"
    """Body that performs the motions."""
    keep_out: tuple[str, ...] = ("002_01", "002_05", "005_02", "005_06", "005_13", "005_19", "006_10", "006_12", "007_")
    """Clips whose names start so are never learned from: what the benchmarks' actors perform, and some more for reports."""
    sources: str = "recordings of the CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu), free for all uses"
    """Where the motions come from, for the file's licence line."""
    threads: int = 1
    """CPU threads."""
    config: RegressorConfig = field(default_factory=RegressorConfig)
    """How to train."""


def main() -> None:
    """Learn, report on motions that were kept out, and write."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    arguments = tyro.cli(Arguments, description=__doc__)
    torch.set_num_threads(arguments.threads)
    body = on_smpl_joints(load_body(arguments.body))
    clips = {path.stem: bvh_clip(path, body) for path in sorted(arguments.motions.rglob("*.bvh"))}
    known = [clip for name, clip in clips.items() if not name.startswith(arguments.keep_out)]
    unknown = [clip for name, clip in clips.items() if name.startswith(arguments.keep_out)]
    if not known:
        raise SystemExit(f"error: there is no BVH file to learn from in {arguments.motions}.")
    logger.info("%d clips to learn from, %d for reports", len(known), len(unknown))
    net = train(Bank.of(known), Bank.of(unknown) if unknown else None, body, arguments.config)
    notes = {
        "licence": f"Apache-2.0; trained on clips made up from the free body ({body.licence}) and {arguments.sources}",
        "body": body.sha256,
        "seed": str(arguments.config.seed),
        "steps": str(arguments.config.steps),
        "window": str(arguments.config.frames),
    }
    save_net(arguments.out, net, arguments.config.step_seconds, notes)
    logger.info("%s: %d numbers", arguments.out, sum(value.numel() for value in net.parameters()))


if __name__ == "__main__":
    main()
