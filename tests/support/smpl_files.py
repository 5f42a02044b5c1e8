"""Random files of SMPL format, made up for tests."""

import numpy as np

from tests.support.bodies import PARENTS, REST_JOINTS, sausage_body


def smpl_arrays(num_betas: int = 10, seed: int = 0) -> dict[str, np.ndarray]:
    """SMPL's arrays on a made-up body, with random shapes and pose correctives."""
    random = np.random.default_rng(seed)
    body = sausage_body()
    count = len(body.v_template)
    tree = np.stack([np.array(PARENTS), np.arange(24)]).astype(np.int64)
    tree[0, 0] = 2**32 - 1
    return {
        "v_template": body.v_template.numpy().astype(np.float64),
        "shapedirs": random.normal(0, 0.01, (count, 3, num_betas)),
        "posedirs": random.normal(0, 0.005, (count, 3, 207)),
        "J_regressor": body.J_regressor.numpy().astype(np.float64),
        "weights": body.lbs_weights.numpy().astype(np.float64),
        "kintree_table": tree,
        "f": body.faces.astype(np.uint32),
        "J": REST_JOINTS.astype(np.float64),
    }


FINGERS = 15
HAND_JOINTS = tuple(
    f"{finger}{number}" for finger in ("index", "middle", "pinky", "ring", "thumb") for number in (1, 2, 3)
)


def smplh_arrays(num_betas: int = 16, seed: int = 0) -> dict[str, np.ndarray]:
    """SMPL-H's arrays on the same body: 15 joints in each hand, 459 pose features, MANO's hands beside them."""
    return {**_with_fingers(22, num_betas, seed), **_hands(seed)}


def smplx_arrays(num_betas: int = 300, expressions: int = 100, seed: int = 0) -> dict[str, np.ndarray]:
    """SMPL-X's arrays on the same body: jaw and eyes before the hands, 486 pose features, expressions after the shapes, UV."""
    random = np.random.default_rng(seed + 1)
    arrays = _with_fingers(25, num_betas + expressions, seed)
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


def _with_fingers(first: int, columns: int, seed: int) -> dict[str, np.ndarray]:
    """Body, joints of the face where ``first`` (that of the left hand) leaves room for three, and joints of the fingers."""
    random = np.random.default_rng(seed + 2)
    small = smpl_arrays(columns, seed)
    count, joints = len(small["v_template"]), first + 2 * FINGERS
    parents, places = list(PARENTS[:22]) + [15] * (first - 22), list(REST_JOINTS[:22])
    places += [REST_JOINTS[15] + [x, 0.05, 0.06] for x in (0.0, 0.03, -0.03)][: first - 22]
    for side, wrist in ((1.0, 20), (-1.0, 21)):
        for name in HAND_JOINTS:
            finger, number = HAND_JOINTS.index(name) // 3, int(name[-1])
            parents.append(wrist if number == 1 else len(parents) - 1)
            places.append(REST_JOINTS[wrist] + [side * (0.04 + 0.02 * number), 0.0, 0.03 - 0.015 * finger])
    regressor = np.concatenate([small["J_regressor"][:22], np.zeros((joints - 22, count))])
    for joint in range(22, joints):
        nearest = np.argsort(np.linalg.norm(small["v_template"] - places[joint], axis=1))[:8]
        regressor[joint, nearest] = random.dirichlet(np.ones(8))
    # the hands' and half of the head's skin moves with the new joints
    weights = np.concatenate([small["weights"][:, :22], np.zeros((count, joints - 22))], axis=1)
    shares = random.dirichlet(np.ones(FINGERS), count)
    for side, (hand, wrist) in enumerate(((22, 20), (23, 21))):
        at = first + FINGERS * side
        tips = small["weights"][:, hand] + 0.5 * small["weights"][:, wrist]
        weights[:, at : at + FINGERS] = tips[:, None] * shares
        weights[:, wrist] *= 0.5
    if first > 22:
        weights[:, 22:first] = small["weights"][:, [15]] / 6
        weights[:, 15] *= 0.5
    tree = np.stack([np.array(parents), np.arange(joints)]).astype(np.int64)
    tree[0, 0] = 2**32 - 1
    return {
        **small,
        "J_regressor": regressor,
        "weights": weights,
        "kintree_table": tree,
        "posedirs": random.normal(0, 0.005, (count, 3, 9 * (joints - 1))),
        "J": np.array(places),
    }


def _hands(seed: int) -> dict[str, np.ndarray]:
    """MANO's hands in the files of whole bodies: the mean pose and its components."""
    random = np.random.default_rng(seed + 3)
    parts = {"mean": (45,), "components": (45, 45), "coeffs": (1554, 45)}
    return {f"hands_{part}{side}": random.normal(0, 0.2, shape) for part, shape in parts.items() for side in "lr"}
