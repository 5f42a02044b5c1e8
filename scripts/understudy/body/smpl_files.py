"""Licensed files of SMPL, SMPL-H and SMPL-X (``.pkl`` or ``.npz``)."""

import zipfile
from pathlib import Path

import numpy as np
import torch

from understudy.body.check import BODY_SIZES, REGRESSOR, ROOT, check_body
from understudy.body.joints import LIMBS, SIDES, parents_of
from understudy.body.model import BodyModel
from understudy.body.parts import parts_from_weights
from understudy.body.smpl_family import FAMILIES, Family, family_of
from understudy.body.unwrap import unwrap
from understudy.errors import InputError
from understudy.files.arrays import LARGEST, open_zip, read_member, read_npy_header, reading, sha256
from understudy.files.pickle_ledger import Ledger
from understudy.files.regular import read_bytes
from understudy.files.safe_pickle import dense, unpickle_arrays
from understudy.files.tables import Numbers, check_table
from understudy.formats.limits import OFFSET, SIZE, WEIGHTS
from understudy.formats.skeleton import KEYPOINTS, MIDDLES

CUSTOMARY_BETAS = 10
"""Shape components used of a file that has more (newer ones carry 300, SMPL-X expressions too), as everywhere in the field."""

_KEYS = ("v_template", "shapedirs", "J_regressor", "weights", "kintree_table", "f")
_OPTIONAL = ("posedirs", "vt", "ft")
TABLE = {
    "v_template": Numbers(("V", 3), np.float64, -SIZE, SIZE),
    "shapedirs": Numbers(("V", 3, "B"), np.float64, -OFFSET, OFFSET),
    "J_regressor": Numbers(("J", "V"), np.float64, -REGRESSOR, REGRESSOR),
    "weights": Numbers(("V", "J"), np.float64, *WEIGHTS),
    "kintree_table": Numbers((2, "J"), np.int64, -1, ROOT),
    "f": Numbers(("F", 3), np.int32, 0, "V"),
    "posedirs": Numbers(("V", 3, "P"), np.float64, -OFFSET, OFFSET),
    "vt": Numbers(("VT", 2), np.float64, -SIZE, SIZE),
    "ft": Numbers(("F", 3), np.int32, 0, "VT"),
}
"""What the arrays may be; the last three may be absent."""
_JOINTS = [len(family.joints) for family in FAMILIES]
LENGTHS = {**BODY_SIZES, "J": (min(_JOINTS), max(_JOINTS)), "P": (9 * min(_JOINTS) - 9, 9 * max(_JOINTS) - 9)}
AGAIN = "get it from its publisher again"
"""What to do about a damaged file."""

_SMPL_VERTICES = 6890
_STAR_FEATURES = 93

_VERTEX = {
    6890: {
        "nose": 332, "right_eye": 6260, "left_eye": 2800, "right_ear": 4071, "left_ear": 583,
        "left_big_toe": 3216, "left_small_toe": 3226, "left_heel": 3387,
        "right_big_toe": 6617, "right_small_toe": 6624, "right_heel": 6787,
    },
    10475: {
        "nose": 9120, "right_eye": 9929, "left_eye": 9448, "right_ear": 616, "left_ear": 6,
        "left_big_toe": 5770, "left_small_toe": 5780, "left_heel": 8846,
        "right_big_toe": 8463, "right_small_toe": 8474, "right_heel": 8635,
    },
}  # fmt: skip
"""Keypoint to vertex of the meshes that SMPL and SMPL-H share and of SMPL-X's, by their numbers of vertices. The numbers are
those that the package smplx 0.1.28 gives for OpenPose's keypoints."""

_FINGERTIP = {
    "left_thumb": (2746, 0.60), "left_index": (2319, 0.50), "left_pinky": (2673, 0.55),
    "right_thumb": (6191, 0.60), "right_index": (5782, 0.50), "right_pinky": (6133, 0.55),
}  # fmt: skip
"""Where fingers have no joints, on SMPL's mesh: keypoint to a fingertip's vertex, and how far from wrist to tip the knuckle is
that detectors name."""

_KNUCKLES = {
    f"{side}_{finger}": tuple(f"{side}_{finger}{number}" for number in numbers)
    for side in SIDES for finger, numbers in (("index", (1,)), ("pinky", (1,)), ("thumb", (2, 3)))
}  # fmt: skip
"""Keypoints of hands that have fingers: the knuckles that detectors name, the thumb between its two."""


def load_smpl(path: str | Path, model: str = "auto") -> BodyModel:
    """Load a file of SMPL, SMPL-H or SMPL-X without executing anything in it.

    Keypoints: limbs, neck and middle of the hips come from the joint regressor, and so do the hands' where the file has
    fingers; on the publishers' own meshes of 6890 and 10475 vertices also nose, eyes, ears and feet. ``keypoint_names`` lists
    those that the body has. Parts come from the skin weights (no hair), and UV coordinates, where the file has none, from
    a simple unwrapping.

    Args:
        path: The file.
        model: Which of the three it must be: one of ``smpl_family.MODELS``.

    Raises:
        InputError: The file is missing, damaged, no such body, not that of ``model``, or a pickle that holds anything but arrays.
    """
    path = Path(path)
    with reading(path, "a body of SMPL format", AGAIN):
        arrays = _read(path)
        family = _family(path, arrays, model)
        body = _body(path, check_table(arrays, TABLE, LENGTHS), family)
        check_body(body)
    return body


def _body(path: Path, arrays: dict[str, np.ndarray], family: Family) -> BodyModel:
    """The body of a file whose arrays are what they may be."""
    features = 9 * (len(family.joints) - 1)
    if "posedirs" in arrays and arrays["posedirs"].shape[2] != features:
        raise ValueError(f"posedirs is of shape {arrays['posedirs'].shape}, not of {features} features")
    regressor, weights = arrays["J_regressor"].astype(np.float32), arrays["weights"].astype(np.float32)
    v_template, faces = arrays["v_template"].astype(np.float32), arrays["f"].astype(np.int32)
    parts = parts_from_weights(faces, weights, family.joints)
    if "vt" in arrays and "ft" in arrays:
        vt, ft = arrays["vt"].astype(np.float32), arrays["ft"].astype(np.int32)
    else:
        vt, ft = unwrap(v_template, faces, parts)
    names, indices, coefficients = _keypoints(regressor, family.joints)
    posedirs = arrays.get("posedirs")
    return BodyModel(
        name=family.name,
        sha256=sha256(path),
        free=False,
        v_template=torch.from_numpy(v_template),
        shapedirs=torch.from_numpy(arrays["shapedirs"][..., :CUSTOMARY_BETAS].astype(np.float32)),
        posedirs=None if posedirs is None else torch.from_numpy(posedirs.astype(np.float32)),
        J_regressor=torch.from_numpy(regressor),
        lbs_weights=torch.from_numpy(weights),
        joint_names=family.joints,
        parents=parents_of(family.joints),
        faces=faces,
        vt=vt,
        ft=ft,
        parts=parts,
        keypoint_names=names,
        keypoint_vertices=torch.from_numpy(indices),
        keypoint_weights=torch.from_numpy(coefficients),
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays that matter, whichever way the file holds them."""
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    if zipfile.is_zipfile(path):
        return _read_zip(path)
    content = unpickle_arrays(read_bytes(path, LARGEST), path)
    if not isinstance(content, dict):
        raise InputError(f"{path} is a pickle but holds no SMPL body.")
    return {key: dense(content[key], path, key) for key in _KEYS + _OPTIONAL if key in content}


def _read_zip(path: Path) -> dict[str, np.ndarray]:
    """Arrays of an npz; those stored as Python objects (a sparse J_regressor) go through the inert unpickler."""
    arrays = {}
    with reading(path, "a readable npz file", AGAIN), open_zip(path) as archive:
        ledger = Ledger(path.stat().st_size, sum(member.file_size for member in archive.infolist()))
        present = set(archive.namelist())
        for key in _KEYS + _OPTIONAL:
            if f"{key}.npy" not in present:
                continue
            with archive.open(f"{key}.npy") as file:
                if read_npy_header(file)[1].hasobject:
                    arrays[key] = dense(unpickle_arrays(file.read(), path, ledger), path, key)
                    continue
            arrays[key] = dense(read_member(archive, f"{key}.npy"), path, key)
    return arrays


def _family(path: Path, arrays: dict[str, np.ndarray], model: str) -> Family:
    """Whose file it is, after everything was found in it."""
    if "kintree_table" in arrays:
        family = family_of(path, arrays["kintree_table"], model)
    missing = [key for key in _KEYS if key not in arrays]
    if missing:
        raise InputError(f"{path} is not a body of SMPL format: it lacks {', '.join(missing)}.")
    if "posedirs" in arrays and arrays["posedirs"].shape[1:] == (3, _STAR_FEATURES):
        raise InputError(f"{path} is of STAR, whose pose correctives are of another kind; give SMPL, SMPL-H or SMPL-X.")
    return family


def _keypoints(regressor: np.ndarray, joints: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names, vertices [K,M] and coefficients [K,M] of the keypoints that the body has, in the skeleton's order."""
    count = regressor.shape[1]
    rows = {name: regressor[joints.index(name)] for name in LIMBS}
    rows |= {name: (rows[left] + rows[right]) / 2 for name, (left, right) in MIDDLES.items()}
    vertex = {name: np.arange(count) == index for name, index in _VERTEX.get(count, {}).items()}
    rows |= {
        name: regressor[[joints.index(knuckle) for knuckle in knuckles]].mean(axis=0)
        for name, knuckles in _KNUCKLES.items()
        if set(knuckles) <= set(joints)
    }
    rows |= {name: row.astype(np.float32) for name, row in vertex.items()}
    if count == _SMPL_VERTICES and not set(_FINGERTIP) & set(rows):
        for name, (tip, along) in _FINGERTIP.items():
            wrist = rows[name.split("_")[0] + "_wrist"]
            rows[name] = (1 - along) * wrist + along * (np.arange(count) == tip)
    names = tuple(name for name in KEYPOINTS if name in rows)
    matrix = np.stack([rows[name] for name in names]).astype(np.float32)
    most = int((matrix != 0).sum(axis=1).max())
    indices = np.argsort(matrix == 0, axis=1, kind="stable")[:, :most].astype(np.int64)
    coefficients = np.take_along_axis(matrix, indices, axis=1)
    return names, indices, (coefficients / coefficients.sum(axis=1, keepdims=True)).astype(np.float32)
