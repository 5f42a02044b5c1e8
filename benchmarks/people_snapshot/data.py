"""People-Snapshot as its users have it: the data set's own folder of a subject, or InstantAvatar's preprocessed one.

The data set's own: ``camera.pkl``, ``<name>.mp4``, ``masks.hdf5``, ``reconstructed_poses.hdf5``, ``consensus.pkl``.
InstantAvatar's: ``cameras.npz``, ``images/*.png``, ``masks/*.npy``, ``poses.npz``. Either may have Anim-NeRF's refined poses in
``poses/anim_nerf_{train,test}.npz``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from understudy.errors import InputError
from understudy.files.safe_arrays import read_any, read_pickle
from understudy.importers.alpha import read_mask
from understudy.importers.people import number_of
from understudy.video.sources import list_images


@dataclass(frozen=True)
class Lens:
    """The camera, as the files have it: OpenCV's convention, pixel centres at whole numbers."""

    K: np.ndarray  # [3,3] px
    distortion: np.ndarray | None  # [5]; None where the pictures are free of it
    size: tuple[int, int]
    extrinsic: np.ndarray  # [4,4] world to camera


@dataclass(frozen=True)
class Given:
    """SMPL parameters of some frames, by smplx's names."""

    values: dict[str, np.ndarray]
    source: str
    """Which file they are from."""


@dataclass(frozen=True)
class Subject:
    """One person of the data set."""

    name: str
    folder: Path
    raw: bool
    """Whether the folder is the data set's own."""
    lens: Lens

    def pictures(self, frames: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """RGB uint8 [H,W,3] and mask uint8 [H,W] of 0 and 1, of ascending frames counted from 0, lens distortion still in.

        Raises:
            InputError: A frame is missing, or a file is damaged.
        """
        return self._raw_pictures(frames) if self.raw else self._ready_pictures(frames)

    def poses(self, split: str, frames: Sequence[int], own: bool) -> Given:
        """Poses of the frames of a split (``train``, ``test``).

        Args:
            split: Name of the split.
            frames: Its frames.
            own: Use the data set's own fit even where poses refined by Anim-NeRF are at hand.

        Raises:
            InputError: No pose file is there, or it has another number of poses.
        """
        ready = [self.folder / "poses" / f"{kind}{split}.npz" for kind in ("anim_nerf_", "")]
        found = None if own else next((path for path in ready if path.is_file()), None)
        if found is not None:
            values = _smplx_names(read_any(found), found)
            if len(values["transl"]) != len(frames):
                raise InputError(
                    f"{found} has {len(values['transl'])} poses but the {split} split {len(frames)} frames; they must agree."
                )
            return Given(values, str(found.relative_to(self.folder)))
        values, path = self._all_poses(own)
        if frames[-1] >= len(values["transl"]):
            raise InputError(f"{path} ends at frame {len(values['transl']) - 1}, before {split} frame {frames[-1]}.")
        chosen = {key: value if key == "betas" else value[list(frames)] for key, value in values.items()}
        return Given(chosen, path.name)

    def _all_poses(self, own: bool) -> tuple[dict[str, np.ndarray], Path]:
        if self.raw:
            path = self.folder / "reconstructed_poses.hdf5"
            with open_hdf5(path) as file:
                values = {key: np.asarray(file[key]) for key in ("betas", "pose", "trans") if key in file}
            consensus = self.folder / "consensus.pkl"
            if own and consensus.is_file():
                values["betas"] = np.asarray(read_pickle(consensus)["betas"])
            return _smplx_names(values, path), path
        names = ("poses.npz",) if own else ("poses_optimized.npz", "poses.npz")
        path = next((self.folder / name for name in names if (self.folder / name).is_file()), None)
        if path is None:
            raise InputError(f"{self.folder} has no {' or '.join(names)}; run InstantAvatar's preprocessing on it.")
        return _smplx_names(read_any(path), path), path

    def _raw_pictures(self, frames: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        video = self.folder / f"{self.name}.mp4"
        capture = cv2.VideoCapture(str(video))
        wanted, index = set(frames), 0
        try:
            with open_hdf5(self.folder / "masks.hdf5") as file:
                masks = file["masks"]
                while wanted:
                    if not capture.grab():
                        raise InputError(
                            f"{video} ends at frame {index - 1}, before frame {min(wanted)}; copy it again."
                        )
                    if index in wanted:
                        wanted.discard(index)
                        yield capture.retrieve()[1][..., ::-1], (np.asarray(masks[index]) > 0).astype(np.uint8)
                    index += 1
        finally:
            capture.release()

    def _ready_pictures(self, frames: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        images = list_images(self.folder / "images")
        folder = self.folder / "masks"
        masks = sorted(folder.glob("*.npy"), key=lambda path: number_of(path.name, folder)) or list_images(folder)
        for frame in frames:
            if frame >= min(len(images), len(masks)):
                raise InputError(
                    f"{self.folder} has {len(images)} images and {len(masks)} masks, too few for frame {frame}."
                )
            picture = cv2.imread(str(images[frame]))
            if picture is None:
                raise InputError(f"{images[frame]} cannot be read as an image; copy it again.")
            yield picture[..., ::-1], (read_mask(masks[frame]) > 127).astype(np.uint8)


def find_subjects(folder: Path) -> list[Subject]:
    """The subject of a folder, or all those in its subfolders.

    Raises:
        InputError: There is none.
    """
    folders = [folder] if _is_subject(folder) else sorted(path for path in folder.glob("*") if _is_subject(path))
    if not folders:
        raise InputError(
            f"{folder} holds no subject of People-Snapshot: neither camera.pkl and an mp4, nor cameras.npz and images/."
        )
    return [_subject(path) for path in folders]


def open_hdf5(path: Path) -> Any:
    """An HDF5 file to read from.

    Raises:
        InputError: The package h5py or the file is missing, or the file is damaged.
    """
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path} needs the package h5py to be read; install it with pip install h5py.") from None
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}); copy it again.") from None


def _is_subject(folder: Path) -> bool:
    return (folder / "camera.pkl").is_file() or (folder / "cameras.npz").is_file()


def _subject(folder: Path) -> Subject:
    name = folder.resolve().name
    if (folder / "cameras.npz").is_file() and (folder / "images").is_dir():
        content = read_any(folder / "cameras.npz")
        lens = Lens(
            np.asarray(content["intrinsic"], np.float64).reshape(3, 3), None,
            (int(content["width"]), int(content["height"])), np.asarray(content.get("extrinsic", np.eye(4)), np.float64),
        )  # fmt: skip
        return Subject(name, folder, False, lens)
    path = folder / "camera.pkl"
    content = read_pickle(path)
    try:
        focal, centre = np.ravel(content["camera_f"]), np.ravel(content["camera_c"])
        K = np.array([[focal[0], 0.0, centre[0]], [0.0, focal[1], centre[1]], [0.0, 0.0, 1.0]])
        extrinsic = np.eye(4)
        extrinsic[:3, :3] = cv2.Rodrigues(np.asarray(content["camera_rt"], np.float64))[0]
        extrinsic[:3, 3] = np.ravel(content["camera_t"])
        size = (int(content["width"]), int(content["height"]))
        return Subject(name, folder, True, Lens(K, np.ravel(content["camera_k"]).astype(np.float64), size, extrinsic))
    except (KeyError, IndexError, TypeError) as error:
        raise InputError(f"{path} is no camera of People-Snapshot ({error!r}); copy it again.") from None


def _smplx_names(content: Any, path: Path) -> dict[str, np.ndarray]:
    """``global_orient`` [N,3], ``body_pose`` [N,69], ``transl`` [N,3] and ``betas`` [1,B]."""
    try:
        whole = next((np.asarray(content[key]) for key in ("thetas", "poses", "pose") if key in content), None)
        orient, pose = (
            (content["global_orient"], content["body_pose"]) if whole is None else (whole[:, :3], whole[:, 3:])
        )
        transl = next(content[key] for key in ("transl", "trans") if key in content)
        betas = np.asarray(content["betas"], np.float64).reshape(1, -1)
    except (KeyError, StopIteration, IndexError):
        raise InputError(f"{path} lacks poses, translations or betas of SMPL; copy it again.") from None
    values = {"global_orient": orient, "body_pose": pose, "transl": transl}
    return {"betas": betas, **{key: np.asarray(value, np.float64) for key, value in values.items()}}
