"""Random files of SMPL format, made up for tests."""

import numpy as np

from tests.support.bodies import REST_JOINTS, sausage_body
from understudy.body.joints import (
    BODY_JOINTS,
    FINGERS,
    SMPL_JOINTS,
    SMPL_PARENTS,
    SMPLH_JOINTS,
    SMPLX_JOINTS,
    parents_of,
)


def smpl_arrays(num_betas: int = 10, seed: int = 0) -> dict[str, np.ndarray]:
    """SMPL's arrays on a made-up body, with random shapes and pose correctives."""
    random = np.random.default_rng(seed)
    body = sausage_body()
    count = len(body.v_template)
    tree = np.stack([np.array(SMPL_PARENTS), np.arange(len(SMPL_JOINTS))]).astype(np.int64)
    tree[0, 0] = 2**32 - 1
    return {
        "v_template": body.v_template.numpy().astype(np.float64),
        "shapedirs": random.normal(0, 0.01, (count, 3, num_betas)),
        "posedirs": random.normal(0, 0.005, (count, 3, 9 * len(SMPL_PARENTS[1:]))),
        "J_regressor": body.J_regressor.numpy().astype(np.float64),
        "weights": body.lbs_weights.numpy().astype(np.float64),
        "kintree_table": tree,
        "f": body.faces.astype(np.uint32),
        "J": REST_JOINTS.astype(np.float64),
    }


def smplh_arrays(num_betas: int = 16, seed: int = 0) -> dict[str, np.ndarray]:
    """SMPL-H's arrays on the same body: 15 joints in each hand, 459 pose features, MANO's hands beside them."""
    return {**_with_fingers(SMPLH_JOINTS, num_betas, seed), **_hands(seed)}


def smplx_arrays(num_betas: int = 300, expressions: int = 100, seed: int = 0) -> dict[str, np.ndarray]:
    """SMPL-X's arrays on the same body: jaw and eyes before the hands, 486 pose features, expressions after the shapes, UV."""
    random = np.random.default_rng(seed + 1)
    arrays = _with_fingers(SMPLX_JOINTS, num_betas + expressions, seed)
    faces = len(arrays["f"])
    return {
        **arrays,
        **_hands(seed),
        "vt": random.uniform(0, 1, (3 * faces, 2)),
        "ft": np.arange(3 * faces).reshape(-1, 3).astype(np.uint32),
        "lmk_faces_idx": random.integers(0, faces, 51),
        "lmk_bary_coords": np.full((51, 3), 1 / 3),
        "dynamic_lmk_faces_idx": random.integers(0, faces, (79, 17)),
        "dynamic_lmk_bary_coords": np.full((79, 17, 3), 1 / 3),
        "joint2num": np.array({"Pelvis": 0, "Jaw": 22}, object),
        "part2num": np.array({"lHand": 20}, object),
    }


def _with_fingers(names: tuple[str, ...], columns: int, seed: int) -> dict[str, np.ndarray]:
    """The body with joints of the fingers, and of the face where ``names`` have them."""
    random = np.random.default_rng(seed + 2)
    small = smpl_arrays(columns, seed)
    count, body = len(small["v_template"]), len(BODY_JOINTS)
    at = dict(zip(SMPL_JOINTS, REST_JOINTS, strict=True))
    at |= {name: at["head"] + [x, 0.05, 0.06] for name, x in (("jaw", 0.0), ("left_eye", 0.03), ("right_eye", -0.03))}
    for name in FINGERS:
        side, finger = name.split("_")
        row = ("index", "middle", "pinky", "ring", "thumb").index(finger[:-1])
        out = (0.04 + 0.02 * int(finger[-1])) * (1.0 if side == "left" else -1.0)
        at[name] = at[f"{side}_wrist"] + [out, 0.0, 0.03 - 0.015 * row]
    places = np.array([at[name] for name in names])
    regressor = np.concatenate([small["J_regressor"][:body], np.zeros((len(names) - body, count))])
    for joint in range(body, len(names)):
        nearest = np.argsort(np.linalg.norm(small["v_template"] - places[joint], axis=1))[:8]
        regressor[joint, nearest] = random.dirichlet(np.ones(8))
    # the hands' and half of the head's skin moves with the new joints
    weights = np.concatenate([small["weights"][:, :body], np.zeros((count, len(names) - body))], axis=1)
    shares = random.dirichlet(np.ones(len(FINGERS) // 2), count)
    for side in ("left", "right"):
        hand, wrist = SMPL_JOINTS.index(f"{side}_hand"), SMPL_JOINTS.index(f"{side}_wrist")
        tips = small["weights"][:, hand] + 0.5 * small["weights"][:, wrist]
        weights[:, [names.index(name) for name in FINGERS if name.startswith(side)]] = tips[:, None] * shares
        weights[:, wrist] *= 0.5
    face = [names.index(name) for name in ("jaw", "left_eye", "right_eye") if name in names]
    if face:
        head = SMPL_JOINTS.index("head")
        weights[:, face] = small["weights"][:, [head]] / 6
        weights[:, head] *= 0.5
    tree = np.stack([np.array(parents_of(names)), np.arange(len(names))]).astype(np.int64)
    tree[0, 0] = 2**32 - 1
    return {
        **small,
        "J_regressor": regressor,
        "weights": weights,
        "kintree_table": tree,
        "posedirs": random.normal(0, 0.005, (count, 3, 9 * (len(names) - 1))),
        "J": places,
    }


def _hands(seed: int) -> dict[str, np.ndarray]:
    """MANO's hands in the files of whole bodies: the mean pose and its components."""
    random = np.random.default_rng(seed + 3)
    parts = {"mean": (45,), "components": (45, 45), "coeffs": (1554, 45)}
    return {f"hands_{part}{side}": random.normal(0, 0.2, shape) for part, shape in parts.items() for side in "lr"}
