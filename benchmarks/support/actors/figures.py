"""A dressed person as one textured mesh: skin, clothes, shoes and hair of the demo actor's workshop, cut and coloured anew."""

from dataclasses import dataclass

import numpy as np

from benchmarks.support.actors.cloth import paint_cloth, tinted
from data.demo.brush import bake
from data.demo.mesh import Piece, folds
from data.demo.paint import paint_eyes, paint_hair, paint_shoe, paint_skin, paint_trousers
from data.demo.person import Body, smooth_step
from data.demo.wardrobe import arm_share, finer, grow, hair_field, make_hair, make_shoe
from understudy.render.mesh import vertex_normals

TILE = 1024
"""Side of a piece's texture, px."""

Color = tuple[int, int, int]
"""sRGB, 0..255."""


@dataclass(frozen=True)
class Look:
    """What a person wears."""

    skin: Color
    hair: str
    """short, long, cropped or cap."""
    hair_color: Color
    shirt: tuple[Color, ...]
    """Colours of the shirt, the main one first."""
    shirt_pattern: str
    """A pattern of ``cloth.PATTERNS``."""
    trousers: tuple[Color, ...]
    trousers_pattern: str
    """The same, or denim."""
    shoes: Color
    sleeve: float = 0.6
    """Where the sleeve ends: 0 at the shoulder, 1 at the elbow, 2 at the wrist."""
    hem: float = 0.035
    """How far the shirt hangs below the hip joints, m."""
    leg: float = 0.11
    """Height where the trousers end, as a share of the knee's: 1 is at the knee."""
    loose: float = 1.0
    """How far cloth stands off the body: 1 is an ordinary fit."""
    barefoot: bool = False


@dataclass(frozen=True)
class Figure:
    """All pieces in one mesh at rest, with one texture."""

    vertices: np.ndarray  # [V,3]
    faces: np.ndarray  # [F,3] int32
    uv: np.ndarray  # [F,3,2] px of the texture, pixel centres at +0.5
    weights: np.ndarray  # [V,B] float32
    texture: np.ndarray  # [H,W,3] uint8 sRGB
    soles: np.ndarray  # vertices that may touch the floor


def make_figure(body: Body, look: Look, seed: int) -> Figure:
    """Dress and paint a body."""
    pieces = _dress(body, look)
    tiles = [np.clip(_paint(body, piece, look, seed), 0, 255).astype(np.uint8) for piece in pieces]
    across = 3
    rows = -(-len(pieces) // across)
    texture = np.zeros((rows * TILE, across * TILE, 3), np.uint8)
    uv = []
    for index, (piece, tile) in enumerate(zip(pieces, tiles, strict=True)):
        y, x = divmod(index, across)
        texture[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE] = tile
        uv.append(np.clip(piece.uv * [1, -1] + [0, 1], 0.002, 0.998) * TILE + [x * TILE, y * TILE])
    starts = np.cumsum([0, *(len(p.vertices) for p in pieces)])
    low = [np.flatnonzero(p.vertices[:, 2] < 0.05) + s for p, s in zip(pieces, starts[:-1], strict=True)]
    return Figure(
        vertices=np.concatenate([p.vertices for p in pieces]),
        faces=np.concatenate([p.faces + s for p, s in zip(pieces, starts[:-1], strict=True)]).astype(np.int32),
        uv=np.concatenate(uv),
        weights=np.concatenate([p.weights for p in pieces]).astype(np.float32),
        texture=texture,
        soles=np.concatenate(low),
    )


def _dress(body: Body, look: Look) -> list[Piece]:
    v = body.vertices
    arm, along = arm_share(body), _along_arm(body)
    shirt = _shirt_field(body, look, arm, along)
    knee, hip = body.head("lowerleg01.L")[2], body.head("upperleg01.L")[2]
    waist = body.head("spine05")[2]
    trousers = np.minimum(waist + 0.075 - v[:, 2], v[:, 2] - look.leg * knee)
    trousers = np.where(arm > 0.2, -1.0, trousers)
    low = smooth_step(waist + 0.30 - v[:, 2], 0.0, 0.30) * (arm < 0.3)
    sleeve = smooth_step(along, 0.1, 0.8) * (arm > 0.3)
    ease = 0.008 + look.loose * (0.014 * low + 0.011 * sleeve) + 0.005 * look.loose * low * folds(v, 3, 14, 3, 9, 0.25)
    legs = smooth_step(hip - v[:, 2], 0.05, 0.4)
    cuff = smooth_step(knee - v[:, 2], 0.1, knee - 0.06)
    leg_ease = 0.007 + look.loose * (0.010 * legs + 0.014 * cuff + 0.003 * legs * folds(v, 4, 14, 4, 11, 1.6))
    pieces = [
        _in_square(finer(grow(body, "shirt", shirt, ease, rounds=70))),
        _in_square(finer(grow(body, "trousers", np.minimum(trousers, 0.10 - shirt), leg_ease, rounds=60))),
    ]
    # skin well under cloth or in a shoe is left out: it could only poke through
    seen = (shirt < 0.05) & (trousers < 0.035)
    if not look.barefoot:
        seen &= v[:, 2] > 0.10
    eyes = body.labels["eyes"]
    for name, mask in (("skin", seen[body.faces].any(1) & ~eyes & ~body.labels["mouth"]), ("eyes", eyes)):
        used, compact = np.unique(body.faces[mask], return_inverse=True)
        pieces.append(Piece(name, v[used], compact.reshape(-1, 3), body.uv[mask], body.weights[used], v[used].copy()))
    if not look.barefoot:
        pieces += [make_shoe(body, "L"), make_shoe(body, "R")]
    if look.hair == "short":
        pieces.append(make_hair(body))
    elif look.hair == "long":
        pieces.append(_long_hair(body))
    elif look.hair == "cap":
        pieces.append(_cap(body))
    return pieces


def _along_arm(body: Body) -> np.ndarray:
    """Position along the arm [V]: 0 at the shoulder, 1 at the elbow, 2 at the wrist."""
    mirrored = body.vertices * np.where(body.vertices[:, :1] < 0, [[-1.0, 1, 1]], [[1.0, 1, 1]])
    shoulder, elbow, wrist = (body.head(f"{b}.L") for b in ("upperarm01", "lowerarm01", "wrist"))

    def share(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        axis = end - start
        return (mirrored - start) @ axis / (axis @ axis)

    return np.minimum(share(shoulder, elbow), 1.0) + np.maximum(share(elbow, wrist), 0.0)


def _shirt_field(body: Body, look: Look, arm: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Signed distance-like field [V], above 0 under the shirt."""
    v = body.vertices
    hem = v[:, 2] - (body.head("upperleg01.L")[2] - look.hem)
    nape = body.head("neck01") + np.array([0, 0.075, 0.012])
    notch = body.head("clavicle.L") * [0, 1, 1] + [0, -0.06, 0.016]
    slope = np.array([0.0, notch[1] - nape[1], notch[2] - nape[2]])
    # above the line through nape and notch, at the neck alone
    up = np.array([0.0, -slope[2], slope[1]]) / np.linalg.norm(slope)
    up *= np.sign(up[2])
    neck = np.maximum(-((v - notch) @ up), np.where(v[:, 2] < nape[2] + 0.02, np.abs(v[:, 0]) - 0.105, -1.0))
    length = np.linalg.norm(body.head("lowerarm01.L") - body.head("upperarm01.L"))
    sleeve = np.where(arm > 0.5, (look.sleeve - along) * length, 1.0)
    return np.minimum(np.minimum(hem, neck), sleeve)


def _long_hair(body: Body) -> Piece:
    """Hair to the shoulder blades: a thick shell over the head, down the neck and on the upper back."""
    v, eye = body.vertices, body.head("eye.L")
    back = np.minimum(v[:, 2] - (body.head("spine01")[2] + 0.03), v[:, 1] - (eye[1] + 0.085))
    back = np.minimum(back, 0.095 - np.abs(v[:, 0]))
    back = np.where(arm_share(body) > 0.1, -1.0, back)
    field_ = np.maximum(hair_field(body), back)
    thick = 0.004 + 0.022 * smooth_step(field_, 0.0, 0.05)
    thick += 0.03 * (v[:, 2] < eye[2] - 0.05) * smooth_step(field_, 0.0, 0.03)
    piece = finer(grow(body, "hair", field_, thick, rounds=60))
    normal = vertex_normals(piece.vertices, piece.faces)
    piece.vertices += 0.004 * folds(piece.base * [1, 0.3, 0.15], 11, 24, 30, 90, 0.3)[:, None] * normal
    return piece


def _cap(body: Body) -> Piece:
    """A knitted cap down to the ears."""
    v, eye = body.vertices, body.head("eye.L")
    line = v[:, 2] - (eye[2] + 0.045 - 0.25 * (v[:, 1] - eye[1]))
    field_ = np.where(body.weight("head", "neck") > 0.8, line, -1.0)
    return finer(grow(body, "cap", field_, 0.009 + 0.016 * smooth_step(field_, 0.03, 0.12), rounds=40))


def _in_square(piece: Piece) -> Piece:
    """The piece with its part of the texture enlarged to the whole tile."""
    low, high = piece.uv.min(axis=(0, 1)), piece.uv.max(axis=(0, 1))
    piece.uv = 0.01 + 0.98 * (piece.uv - low) / (high - low)
    return piece


def _paint(body: Body, piece: Piece, look: Look, seed: int) -> np.ndarray:
    """Texture [TILE,TILE,3] sRGB 0..255 of a piece."""
    if piece.name == "shirt":
        return paint_cloth(body, piece, look.shirt, look.shirt_pattern, TILE, seed)
    if piece.name == "trousers" and look.trousers_pattern == "denim":
        return tinted(paint_trousers(body, piece, TILE)[0], (46, 62, 98), look.trousers[0])
    if piece.name == "trousers":
        return paint_cloth(body, piece, look.trousers, look.trousers_pattern, TILE, seed + 1)
    if piece.name == "skin":
        return tinted(paint_skin(body, piece, TILE)[0], (208, 158, 132), look.skin)
    if piece.name == "eyes":
        return paint_eyes(body, piece, TILE)[0]
    if piece.name == "cap":
        return paint_cloth(body, piece, (look.hair_color, (230, 230, 230)), "plain", TILE, seed + 2)
    if piece.name == "hair":
        painted = paint_hair(body, piece, TILE)[0] if look.hair == "short" else _strands(body, piece)
        return tinted(painted, (62, 41, 30), look.hair_color)
    return tinted(paint_shoe(body, piece, TILE)[0], (62, 64, 72), look.shoes)


def _strands(body: Body, piece: Piece) -> np.ndarray:
    (p,) = bake(piece, TILE, piece.base)
    strands = 0.7 * folds(p * [1.0, 0.8, 0.06], 41, 40, 60, 220, 0.6)
    return np.full(p.shape, (62.0, 41.0, 30.0)) * (1 + 0.75 * np.clip(strands, -0.9, 1.3))[..., None]
