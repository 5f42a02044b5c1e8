"""What is in the live view: Gaussians, the body's mesh, its joints, and the camera that filmed, with its pictures."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from understudy.avatar.archive import AvatarArchive
from understudy.avatar.splats import PosedSplats
from understudy.body.lbs import joint_transforms, pose_rotations
from understudy.files.arrays import again
from understudy.files.pictures import opened_picture
from understudy.formats.frames import Frames
from understudy.render.cloud import Gaussians
from understudy.render.rotations import rotation_matrices
from understudy.rendering.performance import Performance

if TYPE_CHECKING:
    import viser

GAUSSIANS, MESH, JOINTS, CAMERA = LAYERS = ("Gaussians", "body mesh", "joints", "camera and video")
ROOT = "/person"
PER_METRE = 50.0
"""The view's unit for Gaussians: half precision, in which it takes covariances, is too coarse for square metres."""
PICTURE = 360
"""Longest side of the video's pictures in the view, px."""
BEHIND = 0.8
"""How far behind the person the camera's picture is shown, m."""
SEEN_THROUGH = 0.7
"""Opacity of the mesh, so that the joints are seen in it."""
SKIN, BONE, FILM = (196, 186, 176), (230, 90, 40), (40, 40, 40)


@torch.no_grad()
def packed(cloud: Gaussians, eye: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Centres [N,3], covariances [N,3,3], colours [N,3] and opacities [N,1] as viser takes them, in its unit.

    viser's Gaussians look the same from all sides, so their colours are those seen from ``eye`` [3] (m).
    """
    axes = rotation_matrices(cloud.quats) * (cloud.scales * PER_METRE)[:, None]
    seen = cloud.seen_from(torch.as_tensor(eye).to(cloud.means)).clamp(0, 1)
    parts = (cloud.means * PER_METRE, axes @ axes.mT, seen, cloud.opacities[:, None])
    centres, covariances, colors, opacities = (part.numpy() for part in parts)
    return centres, covariances, colors, opacities


class Layers:
    """The things in a viser scene, all on one node that goes along with the person."""

    def __init__(
        self,
        server: "viser.ViserServer",
        archive: AvatarArchive,
        act: Performance,
        eye: np.ndarray,  # [3] m
        results: str | Path | None,
    ) -> None:
        """Put them into the scene as they are in the first frame of an act, seen from ``eye``."""
        self._archive, self._scene = archive, server.scene
        self._frames = _frames(archive, results)
        body, scene = archive.avatar.body, server.scene
        self._root = scene.add_frame(ROOT, show_axes=False)
        self._gaussians = scene.add_gaussian_splats(
            f"{ROOT}/gaussians", *packed(_cloud(act, 0), eye), scale=1 / PER_METRE
        )
        self._mesh = scene.add_mesh_simple(
            f"{ROOT}/mesh",
            body.v_template.numpy(),
            body.faces.astype(np.uint32),
            color=SKIN,
            opacity=SEEN_THROUGH,
            side="double",
            visible=False,
        )
        places = joint_places(act, 0)
        self._joints = scene.add_point_cloud(
            f"{ROOT}/joints", places, BONE, point_size=0.03, point_shape="circle", visible=False
        )
        self._bones = scene.add_line_segments(
            f"{ROOT}/bones", self._lines(places), BONE, thickness=0.008, visible=False
        )
        half = centred_half(archive.poses.K, archive.width, archive.height)
        steep, aspect = half[1] / float(archive.poses.K[1, 1]), half[0] / half[1]
        depth = float(archive.poses.transl[:, 2].max()) + BEHIND
        # viser's scale is the side of a cube as large as the frustum
        scale = depth * (steep * steep * aspect / 3) ** (1 / 3)
        self._camera = scene.add_camera_frustum(
            f"{ROOT}/camera",
            2 * math.atan(steep),
            aspect,
            scale=scale,
            format="jpeg",
            thickness=0.005,
            color=FILM,
            visible=False,
        )
        scene.add_grid(
            f"{ROOT}/ground", plane="xz", width=12, height=12, cell_size=0.5, section_size=1.0, fade_distance=20
        )

    def follow(self, place: np.ndarray) -> None:
        """Shift all so that this place [3] (m) of the ground is in the view's middle."""
        self._root.position = tuple(-place * [1.0, 0.0, 1.0])

    def draw(
        self, act: Performance, frame: int, eye: np.ndarray, betas: torch.Tensor, shown: frozenset[str], filmed: bool
    ) -> None:
        """Show a frame of an act.

        Args:
            act: Who moves.
            frame: Which frame.
            eye: Where it is seen from, in the act's axes [3], m.
            betas: Shape [B] of ``act``, for the mesh.
            shown: Which of ``LAYERS``.
            filmed: Whether the act is that of the video, so that its camera has a place in it.
        """
        with torch.no_grad():
            if GAUSSIANS in shown:
                self._gaussians.set_gaussians(*packed(_cloud(act, frame), eye))
            if MESH in shown:
                pose = (part[frame, None] for part in (act.global_orient, act.body_pose, act.transl))
                self._mesh.vertices = act.avatar.body(betas, *pose).vertices[0].numpy()
            if JOINTS in shown:
                places = joint_places(act, frame)
                self._joints.points, self._bones.points = places, self._lines(places)
        self._gaussians.visible = GAUSSIANS in shown
        self._mesh.visible = MESH in shown
        self._joints.visible = self._bones.visible = JOINTS in shown
        self._camera.visible = CAMERA in shown and filmed
        if self._camera.visible:
            # the act is the video's, moved to the ground without a turn
            self._camera.position = (act.transl[0] - torch.as_tensor(self._archive.poses.transl[0])).double().numpy()
            if self._frames is not None:
                with opened_picture(
                    self._frames.path(frame), "a readable picture", again(self._frames.folder)
                ) as picture:
                    self._camera.image = np.asarray(centred(picture.convert("RGB"), self._archive.poses.K))

    def _lines(self, places: np.ndarray) -> np.ndarray:
        """Bones [J-1,2,3] between joints [J,3]."""
        return np.stack([places[1:], places[list(self._archive.avatar.body.parents[1:])]], axis=1)


def centred_half(K: np.ndarray, width: int, height: int) -> tuple[float, float]:
    """Half the sides (px) of the smallest picture with this one in it and the principal point in its middle."""
    return max(float(K[0, 2]), width - float(K[0, 2])), max(float(K[1, 2]), height - float(K[1, 2]))


def centred(picture: Image.Image, K: np.ndarray) -> Image.Image:
    """A small picture with this one in it and its principal point in the middle, as viser's cameras have it; black beside."""
    half = centred_half(K, *picture.size)
    scale = min(1.0, PICTURE / (2 * max(half)))
    small = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    canvas = Image.new("RGB", (round(2 * half[0] * scale), round(2 * half[1] * scale)))
    canvas.paste(small, (round((half[0] - K[0, 2]) * scale), round((half[1] - K[1, 2]) * scale)))
    return canvas


def joint_places(act: Performance, frame: int) -> np.ndarray:
    """Joints [J,3] of a frame, m."""
    rotations = pose_rotations(act.global_orient[frame, None], act.body_pose[frame, None])
    moved = joint_transforms(rotations, act.shaped.joints, act.avatar.body.parents)[0]
    return ((moved[:, :3, :3] @ act.shaped.joints[..., None])[..., 0] + moved[:, :3, 3] + act.transl[frame]).numpy()


def _cloud(act: Performance, frame: int) -> Gaussians:
    posed = act.posed(frame)
    assert isinstance(posed, PosedSplats)  # the view is for such avatars alone
    return posed.cloud


def _frames(archive: AvatarArchive, results: str | Path | None) -> Frames | None:
    """The video's frames where the actor's folder has those that the avatar was learned from."""
    if results is None or not (Path(results) / "frames.json").is_file():
        return None
    frames = Frames.load(Path(results) / "frames.json")
    same = frames.source_sha256 == archive.info["source"]["sha256"] and len(frames) == len(archive.poses)
    same &= (frames.width, frames.height) == (archive.width, archive.height)
    return frames if same and frames.path(0).is_file() else None
