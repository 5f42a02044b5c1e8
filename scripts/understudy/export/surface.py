"""The avatar's surface as a mesh: the body, moved along its normals to where the Gaussians are seen."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree
from torch import Tensor

from understudy.avatar.splats import SplatAvatar
from understudy.body.joints import BIG_POSE
from understudy.body.lbs import joint_transforms, skin
from understudy.body.model import PARTS, BodyModel
from understudy.export.outline import Outlines
from understudy.export.splats import Splats, posed_splats, quat_matrices, rest_pose
from understudy.render.mesh import vertex_normals

OUTWARD, INWARD = 0.10, 0.04
"""How far from the body the surface is looked for, m."""
FINGERS = 0.003
"""Farthest that hands are moved, m: Gaussians often melt the fingers together."""
NEIGHBOURS = 160
"""Gaussians that are looked at from each vertex."""
FACING = 0.3
"""Least cosine between the normals of a vertex and of a Gaussian's place on the body: the other thigh does not count."""
HALF = 0.5
"""The surface is where so much of the light has been stopped, on the way in."""
STIFFNESS = 1.0
"""How much neighbouring vertices hold together, against one whose surface is surely seen."""
ROUNDS = 3
"""Times that outlines are compared and heights corrected."""
OUTLINE_STIFFNESS = 0.5
"""As ``STIFFNESS``, for the corrections."""
CALM = 3.0
"""As ``STIFFNESS``, for the normals along which vertices move."""
ONE_SIDE = 0.75
"""Least length of the mean of unit normals that counts as a direction."""
UNFOLD = 0.7
"""Factor on the displacements round a face that would turn over, as often as needed."""


@dataclass(frozen=True)
class Surface:
    """A mesh with the body's topology, UV and skinning."""

    body: BodyModel
    vertices: np.ndarray  # [V,3] float32, rest pose (T), m
    joints: np.ndarray  # [J,3] float32, rest pose, m
    sole: float
    """How far the lowest vertex is below the bare body's, m."""

    def posed(self, rotations: Tensor, transl: Tensor) -> np.ndarray:
        """Vertices [V,3] in a pose of rotations [J,3,3] and translation [3], pose correctives included."""
        body = self.body
        with torch.no_grad():
            rest = torch.from_numpy(self.vertices)
            if body.pose_offsets is not None:
                rest = rest + body.pose_offsets(rotations[None])[0]
            transforms = joint_transforms(rotations[None], torch.from_numpy(self.joints), body.parents)
            return (skin(rest, body.lbs_weights, transforms)[0] + transl).numpy()


def avatar_surface(avatar: SplatAvatar) -> Surface:
    """The avatar in its rest pose as a mesh, clothes and hair included as far as the Gaussians show them."""
    body = avatar.body
    with torch.no_grad():
        vertices, joints = (part.numpy() for part in body.shaped(avatar.betas))
    smoother = _Smoother(vertices, body.faces)
    normals = _calm_normals(vertices, body.faces, smoother)
    splats = posed_splats(avatar, *rest_pose(body))
    height, sure = _seen_height(vertices, normals, splats, _normals_at(avatar, normals))
    limits = _limits(body)
    height[limits == 0], sure[limits == 0] = 0.0, 1.0
    height = smoother(height, sure, STIFFNESS).clip(-limits, limits)
    height = _without_folds(height, vertices, normals, body.faces)
    height = _fit_outlines(avatar, vertices, joints, normals, height, limits, smoother)
    moved = (vertices + height[:, None] * normals).astype(np.float32)
    return Surface(body, moved, joints, float(vertices[:, 1].min() - moved[:, 1].min()))


def _limits(body: BodyModel) -> np.ndarray:
    """How far each vertex may move [V], m: the mouth's inside and the eyeballs stay, and fingers keep their shape."""
    limits = np.full(len(body.v_template), OUTWARD)
    hands = np.isin(body.parts, [PARTS.index("left_hand"), PARTS.index("right_hand")])
    limits[body.faces[hands]] = FINGERS
    limits[body.faces[body.parts == PARTS.index("inside")]] = 0.0
    edges = sparse.coo_matrix((np.ones(len(body.faces)), body.faces[:, :2].T), (len(limits),) * 2)
    piece = connected_components(edges, directed=False)[1]
    beyond = np.ones(len(body.faces), bool)
    beyond[np.isin(body.parts, [PARTS.index("face"), PARTS.index("inside")])] = False
    limits[~np.isin(piece, piece[body.faces[beyond]])] = 0.0  # pieces of the face alone are eyeballs
    return limits


def _calm_normals(vertices: np.ndarray, faces: np.ndarray, smoother: "_Smoother") -> np.ndarray:
    """Unit normals [V,3] without the body's small bumps, which would grow with the distance; thin parts keep their own."""
    own = vertex_normals(vertices, faces).astype(np.float64)
    calm = np.stack([smoother(own[:, axis], np.ones(len(own)), CALM) for axis in range(3)], axis=1)
    length = np.linalg.norm(calm, axis=1, keepdims=True)
    return np.where(length > ONE_SIDE, calm / np.maximum(length, 1e-9), own)


def _normals_at(avatar: SplatAvatar, normals: np.ndarray) -> np.ndarray:
    """Normals [N,3] of the body where the Gaussians are fixed to it."""
    corners = normals[avatar.body.faces[avatar.face.numpy()]]
    mixed = (corners * avatar.bary.numpy()[..., None]).sum(axis=1)
    return mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-12)


def _seen_height(
    vertices: np.ndarray,  # [V,3] m
    normals: np.ndarray,  # [V,3] unit
    splats: Splats,
    facing: np.ndarray,  # [N,3] unit
) -> tuple[np.ndarray, np.ndarray]:
    """Height [V] of what one sees looking at a vertex against its normal, m, and how opaque it is [V] 0..1.

    On the line along the normal a Gaussian stops the share ``o exp(-m^2 / 2)`` of the light, m its least Mahalanobis
    distance from the line, at the place of that least distance. The surface is where half has been stopped.
    """
    count = min(NEIGHBOURS, len(splats))
    # a ball that reaches farther outwards than inwards
    centre = vertices + 0.5 * (OUTWARD - INWARD) * normals
    index = cKDTree(splats.means).query(centre, k=count)[1].reshape(len(vertices), count)
    axes = quat_matrices(splats.quats) / splats.scales[:, None, :]  # [N,3,3]; columns are the axes over their lengths
    offset = splats.means[index] - vertices[:, None]
    across = np.einsum("vkc,vkca->vka", offset, axes[index])
    along = np.einsum("vc,vkca->vka", normals, axes[index])
    height = (across * along).sum(-1) / np.square(along).sum(-1)
    distance = np.square(across - height[..., None] * along).sum(-1)
    alpha = splats.opacities[index] * np.exp(-0.5 * distance)
    alpha[(height > OUTWARD) | (height < -INWARD)] = 0.0
    alpha[np.einsum("vkc,vc->vk", facing[index], normals) < FACING] = 0.0

    order = np.argsort(-height, axis=1)
    height, alpha = (np.take_along_axis(values, order, axis=1) for values in (height, alpha))
    left = np.cumprod(1.0 - alpha, axis=1)
    stopped = 1.0 - left
    last = np.argmax(stopped >= HALF, axis=1)
    rows = np.arange(len(vertices))
    reached = stopped[rows, last] >= HALF
    return np.where(reached, height[rows, last], 0.0), np.where(reached, stopped[:, -1], 0.0)


def _fit_outlines(
    avatar: SplatAvatar,
    vertices: np.ndarray,
    joints: np.ndarray,
    normals: np.ndarray,
    height: np.ndarray,
    limits: np.ndarray,
    smoother: "_Smoother",
) -> np.ndarray:
    """Heights [V] with which the mesh has the Gaussians' outlines: what grazes them sees their outermost ones."""
    rotations = avatar.body.rotations_of(BIG_POSE)
    with torch.no_grad():
        outlines = Outlines(avatar.gaussians(rotations, torch.zeros(3)))
    faces = avatar.body.faces
    for _ in range(ROUNDS):
        mesh = Surface(avatar.body, (vertices + height[:, None] * normals).astype(np.float32), joints, 0.0)
        more, views = outlines.distances(mesh.posed(rotations, torch.zeros(3)), faces)
        more[limits == 0], views[limits == 0] = 0.0, 1.0
        height = height + smoother(more, np.minimum(views, 3.0) / 3.0, OUTLINE_STIFFNESS)
        height = height.clip(-limits, limits)
        height = _without_folds(height, vertices, normals, faces)
    return height


class _Smoother:
    """Smooth fields over a mesh that follow values given at some vertices: screened Poisson equations."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        pairs = np.unique(np.sort(pairs, axis=1), axis=0)
        length = np.linalg.norm(vertices[pairs[:, 0]] - vertices[pairs[:, 1]], axis=1)
        hold = 1.0 / np.maximum(length, 0.05 * length.mean())
        size = 0.5 * np.linalg.norm(_face_normals(vertices, faces), axis=1)
        area = np.bincount(faces.ravel(), np.repeat(size / 3, 3), len(vertices))
        # small vertices weigh less, so that dense parts of the mesh are not stiffer than others
        self.area = area / area.mean()
        half = sparse.coo_matrix((hold / hold.mean(), (pairs[:, 0], pairs[:, 1])), (len(vertices), len(vertices)))
        edges = (half + half.T).tocsr()
        self.laplacian = sparse.diags(np.asarray(edges.sum(axis=1)).ravel()) - edges

    def __call__(self, values: np.ndarray, sure: np.ndarray, stiffness: float) -> np.ndarray:
        """The field [V] near ``values`` [V] where they are ``sure`` [V] 0..1, and smooth."""
        pull = sure * self.area + 1e-6
        return splu((sparse.diags(pull) + stiffness * self.laplacian).tocsc()).solve(pull * values)


def _without_folds(height: np.ndarray, vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Heights [V] that turn no face over: those round such a face shrink until it does not."""
    before = _face_normals(vertices, faces)
    height = height.copy()
    for _ in range(30):
        after = _face_normals(vertices + height[:, None] * normals, faces)
        folded = np.unique(faces[(before * after).sum(axis=1) < 0])
        if not len(folded):
            break
        height[folded] *= UNFOLD
    return height


def _face_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = np.asarray(vertices, np.float64)[faces].transpose(1, 0, 2)
    return np.cross(b - a, c - a)
