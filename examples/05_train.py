"""Train a coarse avatar: python examples/05_train.py results/actor models/understudy_body.npz avatar.tar"""

import sys
from pathlib import Path

import understudy

folder, avatar = Path(sys.argv[1]), sys.argv[3]
frames = understudy.Frames.load(folder / "frames.json")
canonical = understudy.Canonical.load(folder / "canonical.npz")
training = understudy.train_avatar(
    frames,
    folder / "matte",
    understudy.BodyTrack.load(folder / "smpl.npz"),
    canonical,
    understudy.load_body(sys.argv[2]),
    understudy.AvatarConfig(steps=100),
    options=understudy.GaussiansConfig(count=2000),
)
understudy.save_avatar(avatar, training, canonical, frames)
config = understudy.EvaluateConfig(refine_steps=0)
scores = understudy.evaluate_avatar(understudy.load_archive(avatar), frames, folder / "matte", config)
print(scores["without_pose_refinement"]["psnr_person_box_on_white"]["mean"], "dB on held-out frames")
