"""Short trainings on small made-up videos."""

from tests.support.avatar_scenes import Scene
from understudy.avatar.config import AvatarConfig
from understudy.avatar.train import Training, train_avatar
from understudy.formats.smpl import BodyTrack

QUICK = AvatarConfig(
    gaussians=2500, steps=60, hold_out=4, levels=((2, 0.5), (1, 0.5)), lr_colors=0.15, lr_betas=0.0, device="cpu"
)


def run(scene: Scene, config: AvatarConfig = QUICK, track: BodyTrack | None = None) -> Training:
    return train_avatar(scene.frames, scene.alpha, track or scene.track, scene.canonical, scene.body, config)
