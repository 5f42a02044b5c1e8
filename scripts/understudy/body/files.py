"""Bodies from files: the project's own npz, and SMPL's files."""

import zipfile
from pathlib import Path

import numpy as np
import torch

from understudy.body.check import BODY_SIZES, REGRESSOR, ROOT, check_body
from understudy.body.joints import SMPL_JOINTS, check_joints
from understudy.body.model import PARTS, BodyModel
from understudy.body.smpl_files import load_smpl
from understudy.errors import InputError
from understudy.files.arrays import check_ranges, read_npz, reading, sha256, write_npz
from understudy.files.tables import Numbers, check_names, check_table, check_text
from understudy.formats.limits import LEAST_JOINTS, MOST_JOINTS, OFFSET, SIZE, WEIGHTS

FORMAT = "understudy-body-1"
BUILD = "get it again, or build it with tools/build_body.py"
"""What to do about a damaged file."""

_KEYS = (
    "format", "name", "licence", "free", "v_template", "shapedirs", "joint_vertices", "joint_weights", "skin_joints",
    "skin_weights", "kintree_table", "f", "vt", "ft", "parts", "part_names", "keypoint_names", "keypoint_vertices",
    "keypoint_weights",
)  # fmt: skip
_NAMES = "joint_names"
"""Absent where the joints are SMPL's."""
_CORRECTIVES = ("corrective_joints", "corrective_vertices", "corrective_directions")
MOST_CORRECTIVES = 1 << 21
"""Vertices times joints; four times those of SMPL-X."""
TABLE = {
    "v_template": Numbers(("V", 3), np.float32, -SIZE, SIZE),
    "shapedirs": Numbers(("V", 3, "B"), np.float32, -OFFSET, OFFSET),
    "joint_vertices": Numbers(("J", "columns of joint_vertices"), np.int32, 0, "V"),
    "joint_weights": Numbers(("J", "columns of joint_vertices"), np.float32, -REGRESSOR, REGRESSOR),
    "skin_joints": Numbers(("V", "columns of skin_joints"), np.uint8, 0, "J"),
    "skin_weights": Numbers(("V", "columns of skin_joints"), np.float32, *WEIGHTS),
    "kintree_table": Numbers((2, "J"), np.int64, -1, ROOT),
    "f": Numbers(("F", 3), np.int32, 0, "V"),
    "vt": Numbers(("VT", 2), np.float32, -SIZE, SIZE),
    "ft": Numbers(("F", 3), np.int32, 0, "VT"),
    "parts": Numbers(("F",), np.uint8, 0, len(PARTS) - 1),
    "keypoint_vertices": Numbers(("K", "columns of keypoint_vertices"), np.int64, 0, "V"),
    "keypoint_weights": Numbers(("K", "columns of keypoint_vertices"), np.float32, -REGRESSOR, REGRESSOR),
    "corrective_joints": Numbers(("E",), np.uint8, 0, "J"),
    "corrective_vertices": Numbers(("E",), np.int32, 0, "V"),
    "corrective_directions": Numbers(("E", 3, 9), np.float32, -OFFSET, OFFSET),
}
"""What the arrays may be; a body without pose correctives has not the last three."""
LENGTHS = {
    **BODY_SIZES,
    "columns of joint_vertices": (1, BODY_SIZES["V"][1]), "columns of skin_joints": (1, MOST_JOINTS),
    "J": (LEAST_JOINTS, MOST_JOINTS),
    "K": (1, 1000), "columns of keypoint_vertices": (1, BODY_SIZES["V"][1]),
    "E": (0, MOST_CORRECTIVES),
}  # fmt: skip
LONGEST_TEXT = 1 << 16
"""Characters of a licence, which may be given in full."""


def load_body(path: str | Path, model: str = "auto") -> BodyModel:
    """Load a body: this project's npz, or a licensed file of SMPL, SMPL-H or SMPL-X (``.npz`` or ``.pkl``).

    Nothing in the file is ever executed, a pickle's contents included.

    Args:
        path: The file.
        model: smpl, smplh or smplx, where it must be that one; ``auto`` for any, this project's own too.

    Returns:
        The body, on the CPU.

    Raises:
        InputError: The file is missing or damaged, is no such body, or is a pickle that holds anything but arrays.
    """
    path = Path(path)
    with reading(path, "a body", BUILD):
        zipped = path.is_file() and _begins_as_zip(path)
    if zipped:
        with reading(path, "a readable npz file", BUILD), zipfile.ZipFile(path) as archive:
            own = "skin_joints.npy" in archive.namelist()
        if own and model != "auto":
            raise InputError(f"{path} is a body of Understudy's own, but body.model is {model}; set it to auto.")
        if own:
            with reading(path, "a body of Understudy's own", BUILD):
                return _own(path, read_npz(path, mend=BUILD))
    return load_smpl(path, model)


def write_body(path: str | Path, body: BodyModel, licence: str | None = None) -> None:
    """Write a body as this project's npz. Regressors and skin weights are stored as the few numbers that are not zero.

    Args:
        path: The file.
        body: The body; pose correctives are written where it has them.
        licence: Whose the body is and under which terms it may be given away; default what the body itself says.
    """
    joint_vertices, joint_weights = _sparse_rows(body.J_regressor.numpy())
    skin_joints, skin_weights = _sparse_rows(body.lbs_weights.numpy())
    arrays = {
        "format": FORMAT,
        "name": body.name,
        "licence": body.licence if licence is None else licence,
        "free": np.bool_(body.free),
        "v_template": body.v_template.numpy(),
        "shapedirs": body.shapedirs.numpy(),
        "joint_vertices": joint_vertices.astype(np.int32),
        "joint_weights": joint_weights,
        "skin_joints": skin_joints.astype(np.uint8),
        "skin_weights": skin_weights,
        "kintree_table": np.stack([np.array(body.parents), np.arange(len(body.parents))]).astype(np.int32),
        **({} if body.joint_names == SMPL_JOINTS else {_NAMES: np.array(body.joint_names)}),
        "f": body.faces,
        "vt": body.vt,
        "ft": body.ft,
        "parts": body.parts,
        "part_names": np.array(PARTS),
        "keypoint_names": np.array(body.keypoint_names),
        "keypoint_vertices": body.keypoint_vertices.numpy().astype(np.int32),
        "keypoint_weights": body.keypoint_weights.numpy(),
    }
    if body.posedirs is not None:
        arrays |= _sparse_correctives(body.posedirs.numpy())
    write_npz(path, arrays)


def _own(path: Path, arrays: dict[str, np.ndarray]) -> BodyModel:
    wanted = _KEYS + (_CORRECTIVES if _CORRECTIVES[0] in arrays else ())
    missing = [key for key in wanted if key not in arrays]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}; build it again with tools/build_body.py.")
    if tuple(arrays["part_names"].tolist()) != PARTS:
        raise InputError(
            f"{path} has other body parts than this version knows; build it again with tools/build_body.py."
        )
    if str(arrays["format"]) != FORMAT:
        raise InputError(f"{path} is of format {arrays['format']}, this version reads {FORMAT}; build it again.")
    try:
        return _body(path, arrays)
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); build it again with tools/build_body.py.") from None


def _body(path: Path, arrays: dict[str, np.ndarray]) -> BodyModel:
    """The body of a file that has all arrays.

    Raises:
        ValueError: They are not what ``TABLE`` says, or do not make a body.
    """
    name, licence = (check_text(key, arrays[key], LONGEST_TEXT) for key in ("name", "licence"))
    keypoint_names = check_names("keypoint_names", arrays["keypoint_names"])
    joint_names = check_names(_NAMES, arrays[_NAMES]) if _NAMES in arrays else SMPL_JOINTS
    free = arrays["free"]
    if free.dtype != bool or free.shape:
        raise ValueError(f"free is {free.dtype} of shape {free.shape}, not true or false")
    arrays = check_table(arrays, TABLE, LENGTHS)
    if len(keypoint_names) != len(arrays["keypoint_vertices"]):
        raise ValueError(f"there are {len(keypoint_names)} names for {len(arrays['keypoint_vertices'])} keypoints")
    check_joints(joint_names, arrays["kintree_table"][0])
    count = len(arrays["v_template"])
    body = BodyModel(
        name=name,
        sha256=sha256(path),
        free=bool(free),
        v_template=_float(arrays["v_template"]),
        shapedirs=_float(arrays["shapedirs"]),
        posedirs=_float(_dense_correctives(arrays, count)) if _CORRECTIVES[0] in arrays else None,
        J_regressor=_float(_dense_rows(arrays["joint_vertices"], arrays["joint_weights"], count)),
        lbs_weights=_float(_dense_rows(arrays["skin_joints"], arrays["skin_weights"], len(joint_names))),
        joint_names=joint_names,
        parents=(-1, *arrays["kintree_table"][0, 1:].tolist()),
        faces=arrays["f"],
        vt=arrays["vt"],
        ft=arrays["ft"],
        parts=arrays["parts"],
        keypoint_names=keypoint_names,
        keypoint_vertices=torch.from_numpy(arrays["keypoint_vertices"]),
        keypoint_weights=_float(arrays["keypoint_weights"]),
        licence=licence,
    )
    check_body(body)
    return body


def _begins_as_zip(path: Path) -> bool:
    """Whether it is a zip file, be it cut short."""
    with open(path, "rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _sparse_rows(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values [R,M] of what is not zero in each row, padded with zeros to the longest row."""
    most = int((matrix != 0).sum(axis=1).max())
    columns = np.argsort(matrix == 0, axis=1, kind="stable")[:, :most]
    return columns, np.take_along_axis(matrix, columns, axis=1)


def _dense_rows(columns: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
    matrix = np.zeros((len(columns), width), np.float32)
    np.put_along_axis(matrix, columns.astype(np.int64), values, axis=1)
    return matrix


def _sparse_correctives(posedirs: np.ndarray) -> dict[str, np.ndarray]:
    """The blocks [E,3,9] of correctives [V,3,9(J-1)] that are not zero, with their joint and vertex [E].

    Joints count from 0 without the root. In half precision where that loses nothing.
    """
    blocks = posedirs.reshape(len(posedirs), 3, -1, 9).transpose(2, 0, 1, 3)
    joints, vertices = np.nonzero(blocks.any(axis=(2, 3)))
    kept = blocks[joints, vertices]
    with np.errstate(over="ignore"):
        half = kept.astype(np.float16)
    exact = np.array_equal(half.astype(kept.dtype), kept)
    values = (joints.astype(np.uint8), vertices.astype(np.int32), half if exact else kept)
    return dict(zip(_CORRECTIVES, values, strict=True))


def _dense_correctives(arrays: dict[str, np.ndarray], count: int) -> np.ndarray:
    joints, vertices, directions = (arrays[key] for key in _CORRECTIVES)
    turning = arrays["kintree_table"].shape[1] - 1
    check_ranges({_CORRECTIVES[0]: joints}, {_CORRECTIVES[0]: (0, turning - 1)})
    if count * turning > MOST_CORRECTIVES:
        raise ValueError(f"pose correctives of {count} vertices by {turning} joints are too many")
    blocks = np.zeros((count, 3, turning, 9), np.float32)
    blocks[vertices, :, joints] = directions
    return blocks.reshape(count, 3, -1)


def _float(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
