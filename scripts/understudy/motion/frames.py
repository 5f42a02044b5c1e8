"""Where the joints are in a motion, and how they are turned."""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from understudy.body.lbs import joint_transforms
from understudy.body.model import BodyModel
from understudy.motion.clip import Clip


def joint_frames(clip: Clip, body: BodyModel) -> tuple[np.ndarray, np.ndarray]:
    """Orientations [T,24,3,3] and places [T,24,3] (m) of the joints, for the body's template."""
    rest = (body.J_regressor @ body.v_template).double().numpy()
    rotvecs = np.concatenate([clip.global_orient[:, None], clip.body_pose.reshape(len(clip), 23, 3)], axis=1)
    local = Rotation.from_rotvec(rotvecs.reshape(-1, 3)).as_matrix().reshape(len(clip), 24, 3, 3)
    moved = joint_transforms(torch.from_numpy(local), torch.from_numpy(rest), body.parents).numpy()
    turns = moved[..., :3, :3]
    places = np.einsum("tjab,jb->tja", turns, rest) + moved[..., :3, 3] + clip.transl[:, None]
    return turns.copy(), places
