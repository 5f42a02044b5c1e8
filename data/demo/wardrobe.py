"""Clothes, shoes and hair of the demo actor, cut and grown from the body's own faces at rest.

A garment is a part of the body's surface, cut along smooth level lines (hems), pushed out along the normals and
relaxed so that it hangs looser than the skin. It keeps the skin weights of the body below, so it moves along.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from data.demo.mesh import Piece, averaging, clip, folds, subdivide, vertex_normals
from data.demo.person import Body, smooth_step

LOCK_FACES = 10400
"""The last faces of the hair: its locks, two triangles each."""


def grow(
    body: Body, name: str, field: np.ndarray, offset: np.ndarray, rounds: int = 60, keep: np.ndarray | None = None
) -> Piece:
    """A shell over the part of the body where field > 0, at least offset [V] metres above the skin."""
    normal = vertex_normals(body.vertices, body.faces)
    values = np.concatenate([body.vertices, normal, offset[:, None], body.weights], 1)
    faces = body.faces if keep is None else body.faces[keep]
    faces, uv, values = clip(faces, body.uv if keep is None else body.uv[keep], field, values)
    base, normal, least, weights = np.split(values, [3, 6, 7], 1)
    mean = averaging(faces, len(base))
    for _ in range(8):
        normal = mean @ normal
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    points = base + normal * least
    for _ in range(rounds):
        points = 0.5 * points + 0.5 * (mean @ points)
        short = least[:, 0] - ((points - base) * normal).sum(1)
        points += np.maximum(short, 0)[:, None] * normal
    for _ in range(2):
        points = 0.6 * points + 0.4 * (mean @ points)
    for _ in range(4):
        weights = 0.5 * weights + 0.5 * (mean @ weights)
    return Piece(name, points, faces, uv, weights, base)


def arm_share(body: Body) -> np.ndarray:
    """How much of a vertex belongs to an arm [V], 0..1."""
    return body.weight("upperarm", "lowerarm", "wrist", "metacarpal", "finger")


def along_arm(body: Body) -> np.ndarray:
    """Position along the upper arm [V]: 0 at the shoulder, 1 at the elbow."""
    mirrored = body.vertices * np.where(body.vertices[:, :1] < 0, [[-1.0, 1, 1]], [[1.0, 1, 1]])
    shoulder, elbow = body.head("upperarm01.L"), body.head("lowerarm01.L")
    axis = elbow - shoulder
    return (mirrored - shoulder) @ axis / (axis @ axis)


def shirt_field(body: Body) -> np.ndarray:
    """Signed distance-like field [V] of the T-shirt: above 0 under the cloth."""
    v = body.vertices
    hem = v[:, 2] - (body.head("upperleg01.L")[2] - 0.035)
    nape, notch = (
        body.head("neck01") + np.array([0, 0.075, 0.012]),
        body.head("clavicle.L") * [0, 1, 1] + [0, -0.06, 0.016],
    )
    slope = np.array([0, nape[2] - notch[2], notch[1] - nape[1]])
    slope /= np.linalg.norm(slope)
    below = (v - notch) @ slope * np.sign(-slope[2])
    below = -below if below[v[:, 2].argmin()] < 0 else below
    neck = np.maximum(below, np.where(v[:, 2] < body.head("neck01")[2] + 0.03, np.abs(v[:, 0]) - 0.105, -1))
    arm_length = np.linalg.norm(body.head("lowerarm01.L") - body.head("upperarm01.L"))
    sleeve = np.where(arm_share(body) > 0.5, (0.60 - along_arm(body)) * arm_length, 1.0)
    return np.minimum(np.minimum(hem, neck), sleeve)


def trousers_field(body: Body) -> np.ndarray:
    """As shirt_field, for the trousers."""
    v = body.vertices
    waist = body.head("spine05")[2] + 0.075
    field = np.minimum(waist - v[:, 2], v[:, 2] - 0.055)
    return np.where(arm_share(body) > 0.2, -1.0, field)


def hair_line(body: Body, y: np.ndarray) -> np.ndarray:
    """Height [...] above which hair grows, by depth y [...]: forehead, temple, sideburn, round the ear, nape."""
    eye = body.head("eye.L")
    depth = eye[1] + np.array([-0.05, 0.0, 0.025, 0.045, 0.062, 0.068, 0.112, 0.118, 0.20])
    height = eye[2] + np.array([0.068, 0.058, 0.032, -0.012, -0.028, 0.028, 0.030, -0.045, -0.075])
    return np.interp(y, depth, height)


def hair_field(body: Body) -> np.ndarray:
    """As shirt_field, for the hair."""
    v = body.vertices
    field = v[:, 2] - hair_line(body, v[:, 1]) + 0.002 * folds(v, 5, 12, 25, 60, 1.0)
    return np.where(body.weight("head", "neck") > 0.8, field, -1.0)


def finer(piece: Piece) -> Piece:
    """Subdivide once and round off, at rest, so that textures are painted on just the surface that is rendered."""
    piece = subdivide(piece, 1)
    mean = averaging(piece.faces, len(piece.vertices))
    for _ in range(3):
        piece.vertices = 0.5 * piece.vertices + 0.5 * (mean @ piece.vertices)
    return piece


def make_hair(body: Body) -> Piece:
    """A short cut: a thick shell that thins out at the hairline, ruffled along the way it is combed."""
    field = hair_field(body)
    top = smooth_step(field, 0.0, 0.07)
    piece = subdivide(grow(body, "hair", field, 0.002 + 0.019 * top, rounds=12), 2)
    mean = averaging(piece.faces, len(piece.vertices))
    for _ in range(4):
        piece.vertices = 0.5 * piece.vertices + 0.5 * (mean @ piece.vertices)
    normal = vertex_normals(piece.vertices, piece.faces)
    thick = np.linalg.norm(piece.vertices - piece.base, axis=1)
    combed = piece.base * [1.0, 0.35, 0.6]
    ruffle = folds(combed, 11, 24, 45, 120, 0.5) + 0.6 * folds(combed, 12, 16, 20, 40, 0.5)
    piece.vertices += (0.16 * thick * ruffle)[:, None] * normal
    return add_locks(body, piece, normal, LOCK_FACES // 2)


def add_locks(body: Body, shell: Piece, normal: np.ndarray, count: int) -> Piece:
    """Put small pointed locks (two triangles each) on a hair shell, so that its outline and its rim are not smooth."""
    rng = np.random.default_rng(21)
    root = rng.choice(len(shell.vertices), count)
    crown = body.head("head") + np.array([0, 0.05, 0.12])
    away = shell.vertices[root] - crown + [0, 0, -0.03]
    front = shell.vertices[root][:, 1] < crown[1] - 0.07
    away[front] = [0, 1.0, 0.15]
    away += 0.35 * rng.normal(size=away.shape) * np.linalg.norm(away, axis=1, keepdims=True)
    n = normal[root]
    along = away - (away * n).sum(1, keepdims=True) * n
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.cross(n, along)
    length = rng.uniform(0.010, 0.022, (count, 1)) * np.where(front[:, None], 1.0, 0.8)
    width = rng.uniform(0.0010, 0.0022, (count, 1))
    start = shell.vertices[root] - 0.35 * length * along - 0.001 * n
    middle = start + 0.55 * length * along + rng.uniform(0.001, 0.0035, (count, 1)) * n
    tip = middle + 0.55 * length * along + rng.uniform(-0.003, 0.004, (count, 1)) * n
    points = np.concatenate([start, middle - width * across, middle + width * across, tip])
    a, b, c, d = np.arange(4 * count).reshape(4, count) + len(shell.vertices)
    corner = np.zeros((len(shell.vertices), 2))
    corner[shell.faces] = shell.uv
    spot = corner[root][:, None, :].repeat(3, 1) + rng.uniform(-0.004, 0.004, (count, 1, 2))
    return Piece(
        shell.name,
        np.concatenate([shell.vertices, points]),
        np.concatenate([shell.faces, np.stack([a, b, c], 1), np.stack([b, d, c], 1)]),
        np.concatenate([shell.uv, spot, spot]),
        np.concatenate([shell.weights, np.tile(shell.weights[root], (4, 1))]),
        np.concatenate([shell.base, np.tile(shell.base[root], (4, 1))]),
    )


def make_shoe(body: Body, side: str) -> Piece:
    """A low sneaker lofted round the foot; rigid on the foot bone."""
    foot = body.vertices[body.weight(f"foot.{side}") + _toes(body, side) > 0.5]
    ankle, toe = body.head(f"foot.{side}"), body.head(f"toe2-3.{side}")
    forward = (toe - ankle) * [1, 1, 0]
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1.0])
    local = np.stack([(foot - ankle) @ right, (foot - ankle) @ forward, foot[:, 2]], 1)
    low = local[local[:, 2] < 0.085]
    slices, ring = 34, 28
    start, end = low[:, 1].min() - 0.010, low[:, 1].max() + 0.014
    u = start + (end - start) * (1 - np.cos(np.linspace(0, np.pi, slices))) / 2
    near = [low[np.abs(low[:, 1] - np.clip(x, start + 0.02, end - 0.028)) < 0.014] for x in u]
    left_edge = gaussian_filter1d([n[:, 0].min() - 0.007 for n in near], 1.5)
    right_edge = gaussian_filter1d([n[:, 0].max() + 0.007 for n in near], 1.5)
    height = gaussian_filter1d([n[:, 2].max() + 0.008 for n in near], 2.0)
    # Both ends are rounded off like an ellipse.
    tip = np.sqrt(1 - (0.94 * np.clip((u - (end - 0.055)) / 0.055, 0, 1)) ** 2)
    heel = np.sqrt(1 - (0.90 * np.clip(((start + 0.035) - u) / 0.035, 0, 1)) ** 2)
    wide, high = tip * heel, (0.45 + 0.55 * tip) * (0.82 + 0.18 * heel)
    angle = np.linspace(0, 2 * np.pi, ring, endpoint=False)
    cx, cz = np.cos(angle), np.sin(angle)
    square = (np.abs(cx) ** 3.2 + np.abs(cz) ** 3.2) ** (-1 / 3.2)
    centre, half = (left_edge + right_edge) / 2, (right_edge - left_edge) / 2
    sole, toe_spring = -0.012, 0.012 * np.clip((u - (end - 0.08)) / 0.08, 0, 1) ** 2
    x = centre[:, None] + (half * wide)[:, None] * (square * cx)
    taper = 1 - 0.30 * np.clip(square * cz, 0, 1) ** 2
    x = centre[:, None] + (x - centre[:, None]) * taper
    mid, tall = (sole + height * high) / 2, (height * high - sole) / 2
    z = mid[:, None] + tall[:, None] * (square * cz) + toe_spring[:, None]
    # One more ring at each end, shrunk to a point, closes the shoe.
    x, z = (np.pad(q, ((1, 1), (0, 0))) for q in (x, z))
    for q in (x, z):
        q[0], q[-1] = q[1].mean(), q[-2].mean()
    u, slices = np.concatenate([u[:1], u, u[-1:]]), slices + 2
    points = ankle * [1, 1, 0] + x[..., None] * right + u[:, None, None] * forward + z[..., None] * [0, 0, 1.0]
    grid = np.arange(slices * ring).reshape(slices, ring)
    a, b = grid[:-1], grid[1:]
    c, d = np.roll(b, -1, 1), np.roll(a, -1, 1)
    faces = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])
    weights = np.zeros((slices * ring, len(body.names)))
    weights[:, body.names.index(f"foot.{side}")] = 1
    flat = np.stack(np.meshgrid(np.arange(ring) / ring, np.arange(slices) / (slices - 1)), -1).reshape(-1, 2)
    corner = flat[faces]
    wrap = (corner[..., 0].max(1) - corner[..., 0].min(1) > 0.5)[:, None] & (corner[..., 0] < 0.5)
    corner[..., 0] += wrap
    inset = np.array([0.5, 0.98]) * corner * [ring / (ring + 1), 1] + [0.0 if side == "L" else 0.5, 0.01]
    shoe_local = np.stack([x * (1 if side == "L" else -1), np.broadcast_to(u[:, None], x.shape) - start, z], -1)
    return Piece(f"shoe.{side}", points.reshape(-1, 3), faces, inset, weights, shoe_local.reshape(-1, 3))


def _toes(body: Body, side: str) -> np.ndarray:
    return body.weights[:, [n.startswith("toe") and n.endswith(side) for n in body.names]].sum(1)


def dress(body: Body) -> list[Piece]:
    """All pieces of the actor at rest: skin (only what is seen, and a little more), shirt, trousers, shoes, hair."""
    v, along = body.vertices, along_arm(body)
    shirt, trousers = shirt_field(body), trousers_field(body)
    waist = body.head("spine05")[2]
    low = smooth_step(waist + 0.30 - v[:, 2], 0.0, 0.30) * (arm_share(body) < 0.3)
    hang = smooth_step(waist + 0.25 - v[:, 2], 0.0, 0.2) * (arm_share(body) < 0.3)
    sleeve = smooth_step(along, 0.1, 0.6) * (arm_share(body) > 0.3)
    shirt_offset = 0.008 + 0.014 * low + 0.011 * sleeve + 0.005 * hang * folds(v, 3, 14, 3, 9, 0.25)
    knee = body.head("lowerleg01.L")[2]
    leg = smooth_step(body.head("upperleg01.L")[2] - v[:, 2], 0.05, 0.4)
    cuff = smooth_step(knee - v[:, 2], 0.1, knee - 0.06)
    trouser_offset = 0.007 + 0.010 * leg + 0.016 * cuff + 0.003 * leg * folds(v, 4, 14, 4, 11, 1.6)
    cloth_shirt = finer(grow(body, "shirt", shirt, shirt_offset, rounds=70))
    cloth_trousers = finer(grow(body, "trousers", np.minimum(trousers, 0.10 - shirt), trouser_offset, rounds=60))
    # Skin that is well under cloth or in a shoe is left out: it could only poke through.
    seen = (shirt < 0.06) & (trousers < 0.04) & (v[:, 2] > 0.10)
    eyes = body.labels["eyes"]
    kept = seen[body.faces].any(1)
    pieces = [cloth_shirt, cloth_trousers]
    for name, mask in (("skin", kept & ~eyes & ~body.labels["mouth"]), ("eyes", eyes)):
        used, compact = np.unique(body.faces[mask], return_inverse=True)
        pieces.append(Piece(name, v[used], compact.reshape(-1, 3), body.uv[mask], body.weights[used], v[used].copy()))
    return [*pieces, make_shoe(body, "L"), make_shoe(body, "R"), make_hair(body)]
