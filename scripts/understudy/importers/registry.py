"""Formats by name, and which one a file or folder is of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from understudy.errors import InputError
from understudy.files.arrays import reading
from understudy.files.safe_arrays import read_any
from understudy.importers.alphapose import read_alphapose
from understudy.importers.config import ReadOptions
from understudy.importers.datasets import read_instant_nvr, read_ntc
from understudy.importers.easymocap import read_easymocap
from understudy.importers.openpose import read_openpose
from understudy.importers.parameters import read_parameters
from understudy.importers.regressors import read_gvhmr, read_phalp, read_pymaf, read_romp, read_wham
from understudy.importers.tracking import Tracking, reading_tracking


@dataclass(frozen=True)
class Format:
    """A format that can be imported."""

    read: Callable[[Path, ReadOptions], Tracking]
    what: str
    """What the user gives."""


FORMATS: dict[str, Format] = {
    "easymocap": Format(read_easymocap, "folder with annots/, smpl/ or output*/smpl/, intri.yml, extri.yml"),
    "openpose": Format(read_openpose, "folder of *_keypoints.json"),
    "alphapose": Format(read_alphapose, "alphapose-results.json, or another list of COCO keypoints by picture"),
    "smpl": Format(read_parameters, "npz of global_orient, body_pose, transl, betas; or InstantAvatar's folder"),
    "romp": Format(read_romp, "video_results.npz, or a folder of one npz a frame"),
    "4d-humans": Format(read_phalp, "PHALP's results/*.pkl"),
    "pymaf": Format(read_pymaf, "output.pkl of PyMAF, VIBE or PARE"),
    "wham": Format(read_wham, "wham_output.pkl"),
    "gvhmr": Format(read_gvhmr, "hmr4d_results.pt"),
    "ntc": Format(read_ntc, "folder with camera.mat and param/"),
    "instant-nvr": Format(read_instant_nvr, "folder with annots.npy and smpl_params/, params/ or new_params/"),
}


def read_tracking(source: Path, kind: str, options: ReadOptions) -> Tracking:
    """The tracking in a file or folder of a format.

    Raises:
        InputError: There is no such format, or anything is missing, damaged or of another format.
    """
    if kind not in FORMATS:
        raise InputError(f"{kind} is not a format that can be imported; choose from {', '.join(FORMATS)}.")
    with reading_tracking(source, kind):
        return FORMATS[kind].read(source, options)


def guess_format(source: Path) -> str:
    """The format's name by what is in the file or folder.

    Raises:
        InputError: There is no such file, or it is of none.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder.")
    with reading(source, "a file of a known format", "write it again, or give its kind"):
        name = _of_folder(source) if source.is_dir() else _of_file(source)
    if name is None:
        known = "; ".join(f"{name}: {entry.what}" for name, entry in FORMATS.items())
        raise InputError(f"{source} is of no known format; known are {known}.")
    return name


def _of_folder(folder: Path) -> str | None:
    if (folder / "annots.npy").is_file():
        return "instant-nvr"
    if (folder / "camera.mat").is_file():
        return "ntc"
    if any((folder / name).exists() for name in ("annots", "smpl", "intri.yml")) or next(
        folder.glob("output*/smpl*"), None
    ):
        return "easymocap"
    if next(folder.glob("*_keypoints.json"), None):
        return "openpose"
    if any((folder / name).is_file() for name in ("poses_optimized.npz", "poses.npz", "poses/anim_nerf_train.npz")):
        return "smpl"
    if next(folder.glob("*.npz"), None):
        return "romp"
    return None


def _of_file(path: Path) -> str | None:
    if path.suffix == ".json":
        return "openpose" if path.stem.endswith("_keypoints") else "alphapose"
    content: Any = read_any(path)
    if not isinstance(content, Mapping) or not content:
        return None
    if "smpl_params_incam" in content:
        return "gvhmr"
    if "results" in content or "cam_trans" in content:
        return "romp"
    inner = next((value for value in content.values() if isinstance(value, Mapping)), content)
    if "tid" in inner and "smpl" in inner:
        return "4d-humans"
    if "orig_cam" in inner:
        return "pymaf"
    if "pose" in inner and "trans" in inner and inner is not content:
        return "wham"
    return "smpl"
