"""Textures of the demo actor, painted by rest-pose position (so that they stick to the cloth) and baked to UV images.

Everything is drawn here from formulas and seeded noise; no picture is taken from anywhere.
Images are RGB uint8 sRGB [S,S,3]; heights are uint8 [S,S], 128 = flat, for bump mapping.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from scipy.spatial import cKDTree

from data.demo.brush import bake, decal, grain, line, mix
from data.demo.mesh import Piece, folds, vertex_normals
from data.demo.person import Body, smooth_step
from data.demo.wardrobe import LOCK_FACES, hair_line


def emblem() -> np.ndarray:
    """The chest print: a sun at one side of a mountain, a bird, two waves; not symmetric. RGBA [512,512,4]."""
    art = np.zeros((512, 512, 4), np.uint8)
    cv2.circle(art, (330, 190), 128, (240, 168, 48, 255), -1, cv2.LINE_AA)
    cv2.fillPoly(art, [np.array([[20, 400], [190, 110], [262, 232], [310, 180], [470, 400]])], (244, 238, 222, 255))
    cv2.fillPoly(
        art, [np.array([[190, 110], [262, 232], [225, 300], [196, 262], [170, 330], [140, 196]])], (31, 52, 76, 255)
    )
    for row, color in ((428, (214, 72, 52, 255)), (470, (244, 238, 222, 255))):
        x = np.arange(30, 460 if row == 428 else 350, 4)
        wave = np.stack([x, row + 12 * np.sin(x / 24)], 1).astype(np.int32)
        cv2.polylines(art, [wave], False, color, 20, cv2.LINE_AA)
    bird = np.array([[70, 110], [105, 84], [126, 112], [150, 80], [182, 92]])
    cv2.polylines(art, [bird], False, (244, 238, 222, 255), 12, cv2.LINE_AA)
    return art


def number(text: str) -> np.ndarray:
    """The print on the back: a number with an underline that covers only a part. RGBA [512,512,4]."""
    art = np.zeros((512, 512, 4), np.uint8)
    size = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 11, 58)[0]
    at = ((512 - size[0]) // 2, 360)
    cv2.putText(art, text, at, cv2.FONT_HERSHEY_DUPLEX, 11, (244, 238, 222, 255), 58, cv2.LINE_AA)
    cv2.rectangle(art, (70, 430), (300, 470), (240, 168, 48, 255), -1)
    return art


def paint_shirt(body: Body, piece: Piece, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Teal jersey with cream stripes round the belly and the sleeves, emblem in front, number behind."""
    normal = vertex_normals(piece.vertices, piece.faces)
    shoulder, elbow = body.head("upperarm01.L"), body.head("lowerarm01.L")
    axis = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    arm = piece.weights[:, [n.startswith(("upperarm", "lowerarm")) for n in body.names]].sum(1, keepdims=True)
    p, n, arm = bake(piece, size, piece.vertices, normal, arm)
    x, z = p[..., 0], p[..., 2]
    along = (p * np.where(p[..., :1] < 0, [[[-1.0, 1, 1]]], 1.0) - shoulder) @ axis
    sleeve = arm[..., 0] > 0.5
    image = np.full(p.shape, (28.0, 104.0, 116.0))
    image *= (1 + 0.035 * grain(p.shape, 1, (1, 1)) + 0.02 * grain(p.shape, 2, (9, 9)))[..., None]
    belly = body.head("spine05")[2]
    for height, width in ((0.105, 0.030), (0.050, 0.018), (0.012, 0.007)):
        image = mix(image, (236, 228, 208), line(z - belly - height - 0.02, width, 0.002) * ~sleeve)
    image = mix(image, (214, 72, 52), line(z - belly - 0.165, 0.010, 0.002) * ~sleeve)
    end = 0.60 * np.linalg.norm(elbow - shoulder)
    for back, width, color in ((0.040, 0.022, (236, 228, 208)), (0.066, 0.008, (240, 168, 48))):
        image = mix(image, color, line(along - end + back, width, 0.002) * sleeve)
    for at, where in ((along - end + 0.014, sleeve), (z - body.head("upperleg01.L")[2] + 0.035 - 0.018, ~sleeve)):
        image *= (1 - 0.25 * line(at, 0.002, 0.0015) * where)[..., None]
    chest = body.head("spine01")[2] + 0.015
    image = decal(image, emblem(), (x + 0.125) / 0.25, (chest + 0.125 - z) / 0.25, (n[..., 1] < 0) & ~sleeve)
    image = decal(image, number("27"), (0.15 - x) / 0.30, (chest + 0.15 - z) / 0.30, (n[..., 1] > 0) & ~sleeve)
    field = piece_edge(piece)
    edge = bake(piece, size, field[:, None])[0][..., 0]
    collar = (
        smooth_step(z, body.head("clavicle.L")[2] - 0.02, body.head("clavicle.L")[2]) * (np.abs(x) < 0.14) * ~sleeve
    )
    image = mix(image, (22, 58, 70), line(edge, 0.036, 0.003) * (collar > 0.5))
    height = 128 + 50 * folds(p, 21, 16, 5, 12, 0.4) + 34 * folds(p, 22, 12, 12, 26, 0.7)
    return image, height


def piece_edge(piece: Piece) -> np.ndarray:
    """Distance [V] of each vertex to the border of its piece (metres)."""
    edges = np.sort(np.concatenate([piece.faces[:, [0, 1]], piece.faces[:, [1, 2]], piece.faces[:, [2, 0]]]), 1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    border = piece.base[np.unique(unique[count == 1])]
    return cKDTree(border).query(piece.base)[0]


def paint_trousers(body: Body, piece: Piece, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Denim: twill, fading on thighs and seat, seams at the sides, stitched back pockets, a turned hem."""
    p, n = bake(piece, size, piece.vertices, vertex_normals(piece.vertices, piece.faces))
    x, y, z = np.moveaxis(p, -1, 0)
    side = np.sign(x)
    hip, knee, ankle = (body.head(f"{b}.L") for b in ("upperleg01", "lowerleg01", "foot"))
    centre_x = np.interp(z, [ankle[2], knee[2], hip[2]], [ankle[0], knee[0], hip[0]])
    centre_y = np.interp(z, [ankle[2], knee[2], hip[2]], [ankle[1], knee[1], hip[1]])
    twill = grain(p.shape, 3, (0.7, 2.5)) * 0.6 + grain(p.shape, 4, (2.5, 0.7)) * 0.4
    image = np.full(p.shape, (46.0, 62.0, 98.0)) * (1 + 0.10 * twill + 0.05 * grain(p.shape, 5, (14, 14)))[..., None]
    front = smooth_step(-n[..., 1], 0.1, 0.9)
    back = smooth_step(n[..., 1], 0.1, 0.9)
    thigh = np.exp(-(((z - (hip[2] + knee[2]) / 2 - 0.05) / 0.16) ** 2)) * front
    seat = np.exp(-(((z - hip[2] + 0.02) / 0.10) ** 2)) * back
    image = mix(
        image, (108, 130, 168), 0.45 * thigh + 0.30 * seat + 0.18 * np.exp(-(((z - knee[2]) / 0.07) ** 2)) * front
    )
    outer = np.where((x - side * centre_x) * side > 0, y - centre_y, 1.0)
    inner = np.where((x - side * centre_x) * side < 0, y - centre_y, 1.0)
    for seam in (outer, inner):
        image *= (1 - 0.35 * line(seam, 0.004, 0.002))[..., None]
        image = mix(image, (176, 122, 66), 0.75 * line(np.abs(seam) - 0.006, 0.0018, 0.0015))
    crotch = hip[2] - 0.075
    image *= (1 - 0.4 * line(x, 0.004, 0.002) * (z > crotch))[..., None]
    pocket_x, pocket_z = np.abs(np.abs(x) - 0.082), hip[2] + 0.035 - z
    box = np.maximum(pocket_x - 0.052 + 0.012 * smooth_step(pocket_z, 0.02, 0.06), np.abs(pocket_z) - 0.062)
    image = mix(image, (176, 122, 66), 0.9 * line(box, 0.0025, 0.0015) * (n[..., 1] > 0.1))
    image *= (1 - 0.12 * (box < 0) * (n[..., 1] > 0.1))[..., None]
    image = mix(image, (176, 122, 66), 0.7 * line(z - 0.085, 0.0022, 0.0015))
    image *= (1 - 0.2 * line(z - 0.083, 0.004, 0.004))[..., None]
    creases = sum(
        np.exp(-(((z - at) / width) ** 2)) for at, width in ((knee[2], 0.12), (hip[2] - 0.05, 0.1), (0.12, 0.1))
    )
    height = 128 + 30 * folds(p, 31, 14, 5, 12, 1.5) + 45 * creases * folds(p, 32, 14, 12, 26, 2.5)
    return image, height


def paint_skin(body: Body, piece: Piece, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Skin with slight mottling, brows, lash lines, lips, a little colour on cheeks, nose, ears and knuckles."""
    (p,) = bake(piece, size, piece.base)
    x, y, z = np.moveaxis(p, -1, 0)
    eye = body.head("eye.L")
    image = np.full(p.shape, (208.0, 158.0, 132.0))
    image *= (1 + 0.018 * grain(p.shape, 6, (2, 2)) + 0.02 * grain(p.shape, 7, (20, 20)))[..., None]
    mirrored = np.abs(x)
    cheek = np.exp(-(((mirrored - 0.040) / 0.022) ** 2 + ((z - eye[2] + 0.042) / 0.020) ** 2)) * (y < eye[1] + 0.06)
    nose = np.exp(-((x / 0.016) ** 2 + ((z - eye[2] + 0.038) / 0.014) ** 2)) * (y < eye[1])
    image = mix(image, (206, 122, 104), 0.40 * cheek + 0.35 * nose)
    eyes = body.vertices[np.unique(body.faces[body.labels["eyes"]])]
    ball = eyes[eyes[:, 0] > 0]
    centre, radius = (ball.min(0) + ball.max(0)) / 2, np.ptp(ball, axis=0).max() / 2
    gap = np.linalg.norm(np.stack([mirrored, y, z], -1) - centre, axis=-1) - radius
    face = (y < eye[1] + 0.03) & (z > eye[2] - 0.12)
    image = mix(image, (150, 96, 78), 0.25 * line(gap, 0.010, 0.006) * face)
    image = mix(image, (38, 24, 20), 0.85 * line(gap, 0.0044, 0.002) * face * (z > centre[2] + 0.001))
    image = mix(image, (60, 38, 32), 0.55 * line(gap, 0.003, 0.002) * face * (z <= centre[2] + 0.001))
    # Brows: an arc over each eye, thin at the temple, broken up into hairs.
    s = (mirrored - 0.012) / 0.044
    arc = eye[2] + 0.0165 + 0.0070 * np.sin(np.clip(s, 0, 1) * 2.5) + 0.002 * s + 0.0010 * (x > 0)
    width = 0.0075 * (1 - 0.65 * np.clip(s, 0, 1)) + 0.001
    hairs = np.clip(0.85 + 0.15 * grain(p.shape, 8, (0.6, 1.2)), 0, 1)
    brow = (
        line(z - arc, width, 0.003)
        * smooth_step(s, -0.04, 0.08)
        * (1 - smooth_step(s, 0.92, 1.05))
        * (y < eye[1] + 0.04)
    )
    image = mix(image, (48, 32, 25), 0.9 * brow * hairs)
    # Lips: what lies within some millimetres of the mouth's opening.
    inside = np.unique(body.faces[body.labels["mouth"]])
    outside = np.unique(body.faces[~body.labels["mouth"] & ~body.labels["eyes"]])
    slit = body.vertices[np.intersect1d(inside, outside)]
    slit = slit[(slit[:, 1] < eye[1] + 0.04) & (slit[:, 2] < eye[2] - 0.03)]
    near_face = face & (np.abs(x) < 0.05) & (z < eye[2] - 0.035)
    distance = np.full(x.shape, 1.0)
    distance[near_face] = cKDTree(slit).query(p[near_face])[0]
    lip_z = slit[:, 2].mean()
    corner = np.abs(slit[:, 0]).max()
    reach = np.where(z < lip_z, 0.0105, 0.0080) * np.sqrt(np.clip(1 - (x / (corner + 0.003)) ** 2, 0, 1))
    image = mix(image, (172, 92, 84), 0.8 * smooth_step(reach - distance, -0.001, 0.002))
    image = mix(image, (96, 44, 40), 0.75 * smooth_step(0.0016 - distance, -0.0008, 0.0008))
    # Shaved shadow on the jaw, ruddy ears and knuckles, dark scalp under the hair.
    below = smooth_step(eye[2] - 0.055 - z, 0, 0.02) * (z > eye[2] - 0.16)
    jaw = below * smooth_step(0.09 - (y - eye[1]), 0, 0.03) * (distance > 0.012)
    image = mix(image, (150, 118, 104), 0.26 * jaw * (z > body.head("head")[2] - 0.075))
    image = mix(image, (206, 120, 102), 0.35 * (mirrored > 0.078) * (z > eye[2] - 0.07))
    scalp = smooth_step(z - hair_line(body, y), -0.008, 0.012) * (z > eye[2] - 0.10) * (mirrored < 0.078)
    image = mix(image, (50, 34, 27), 0.9 * scalp)
    return image, 128 + 6 * grain(p.shape, 9, (1.2, 1.2))


def paint_eyes(body: Body, piece: Piece, size: int) -> tuple[np.ndarray, np.ndarray]:
    """White, brown iris with a darker rim, pupil."""
    (p,) = bake(piece, size, piece.base)
    left = piece.base[piece.base[:, 0] > 0]
    centre = (left.min(0) + left.max(0)) / 2
    d = np.stack([np.abs(p[..., 0]), p[..., 1], p[..., 2]], -1) - centre
    # The middle of the lids' opening is a little outward of straight ahead.
    gaze = np.array([np.sin(np.radians(7)), -np.cos(np.radians(7)), 0.0])
    angle = np.degrees(np.arccos(np.clip(d @ gaze / np.maximum(np.linalg.norm(d, axis=-1), 1e-9), -1, 1)))
    image = np.full(p.shape, (226.0, 220.0, 214.0))
    image = mix(image, (98, 62, 36), smooth_step(-angle, -25, -22))
    image = mix(image, (40, 24, 16), line(angle - 23, 4, 2))
    image = mix(image, (10, 8, 8), smooth_step(-angle, -11, -9))
    return image, np.full(p.shape[:2], 128.0)


def paint_shoe(body: Body, piece: Piece, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Charcoal canvas sneaker, white sole and toe cap, laces, a red flash on the outer side only."""
    (p,) = bake(piece, size, piece.base)
    x, u, z = np.moveaxis(p, -1, 0)
    length = p[..., 1].max()
    image = np.full(p.shape, (62.0, 64.0, 72.0)) * (1 + 0.05 * grain(p.shape, 13, (1, 1)))[..., None]
    outer = (x > 0) & (z < 0.06)
    flash = line((u - 0.42 * length) - (z - 0.03) * 1.4, 0.028, 0.003)
    image = mix(image, (206, 62, 48), flash * outer)
    top = (z > 0.035) & (np.abs(x) < 0.026) & (u > 0.46 * length) & (u < 0.74 * length)
    image = mix(image, (226, 222, 214), 0.9 * line((u / 0.014) % 1 - 0.5, 0.45, 0.15) * top)
    image = mix(image, (222, 218, 208), smooth_step(u, 0.885 * length, 0.895 * length))
    image = mix(image, (234, 230, 222), smooth_step(-z, -0.016, -0.014))
    image = mix(image, (120, 116, 112), line(z - 0.014, 0.0025, 0.0015) + 0.6 * line(z - 0.004, 0.002, 0.001))
    return image, 128 + 10 * grain(p.shape, 14, (2, 2))


def paint_hair(body: Body, piece: Piece, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Dark brown with streaks that run the way the hair is combed: from the forehead back and down the sides."""
    shell = replace(piece, uv=piece.uv[:-LOCK_FACES], faces=piece.faces[:-LOCK_FACES])
    (p,) = bake(shell, size, piece.base)
    combed = p * [1.0, 0.22, 0.45]
    strands = 0.6 * folds(combed, 41, 60, 120, 420, 0.6) + 0.5 * folds(combed, 42, 40, 40, 120, 0.6)
    image = np.full(p.shape, (62.0, 41.0, 30.0)) * (1 + 0.75 * np.clip(strands, -0.9, 1.3))[..., None]
    return image, 128 + 90 * strands


PAINTERS = {
    "shirt": paint_shirt,
    "trousers": paint_trousers,
    "skin": paint_skin,
    "eyes": paint_eyes,
    "hair": paint_hair,
}
"""What paints which piece; shoes come as `shoe.L` and `shoe.R`."""


def paint(body: Body, piece: Piece, size: int = 2048) -> tuple[np.ndarray, np.ndarray]:
    """Colour [S,S,3] and bump height [S,S] of a piece, both uint8."""
    small = piece.name in ("eyes",) or piece.name.startswith("shoe")
    image, height = PAINTERS.get(piece.name, paint_shoe)(body, piece, size if not small else size // 2)
    return np.clip(image, 0, 255).astype(np.uint8), np.clip(height, 0, 255).astype(np.uint8)
