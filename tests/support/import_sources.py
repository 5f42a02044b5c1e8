"""A made-up track written in exactly the formats of other programs."""

import io
import json
import pickle
import zlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import scipy.io
import torch
from PIL import Image
from scipy.spatial.transform import Rotation

from tests.support.smpl_files import smpl_arrays
from understudy.body.files import load_body
from understudy.body.lbs import pose_rotations
from understudy.body.model import BodyModel
from understudy.formats.skeleton import BODY_25

SIZE = (320, 240)
LENGTH = 12
K = np.array([[300.0, 0.0, 160.5], [0.0, 305.0, 118.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Truth:
    """A person who turns before the camera, in the camera's frame."""

    body: BodyModel
    global_orient: np.ndarray  # [T,3]
    body_pose: np.ndarray  # [T,69]
    transl: np.ndarray  # [T,3]
    betas: np.ndarray  # [10]

    def joints(self) -> np.ndarray:
        return posed_joints(self.body, self.betas, self.global_orient, self.body_pose, self.transl)

    def vertices(self) -> np.ndarray:
        return posed(self.body, self.betas, self.global_orient, self.body_pose, self.transl).vertices.numpy()

    def pelvis_rest(self) -> np.ndarray:
        return self.body.shaped(torch.from_numpy(self.betas).float())[1][0].double().numpy()


def posed(body, betas, global_orient, body_pose, transl):
    values = (betas, global_orient, body_pose, transl)
    return body(*(torch.from_numpy(np.asarray(value, np.float32)) for value in values))


def posed_joints(body, betas, global_orient, body_pose, transl) -> np.ndarray:
    return posed(body, betas, global_orient, body_pose, transl).joints.numpy()


def track_joints(body, track) -> np.ndarray:
    return posed_joints(body, track.betas, track.global_orient, track.body_pose, track.transl)


def smpl_body(folder: Path, shift=(0.02, -0.22, 0.03)) -> BodyModel:
    """A licensed body as far as the code can tell, with its pelvis off the origin, as SMPL's is."""
    arrays = smpl_arrays()
    arrays["v_template"] = arrays["v_template"] + np.array(shift)
    np.savez(folder / "SMPL_NEUTRAL.npz", **arrays)
    return load_body(folder / "SMPL_NEUTRAL.npz")


def truth(body: BodyModel, length: int = LENGTH, seed: int = 0) -> Truth:
    random = np.random.default_rng(seed)
    time = np.linspace(0, 1, length)
    turn = Rotation.from_rotvec([np.pi, 0, 0]) * Rotation.from_rotvec(np.outer(1.5 * time - 0.4, [0.1, 1, 0]))
    pose = random.normal(0, 0.15, 69) * np.cos(3 * time)[:, None]
    pose[:, 63:] = 0.0  # many formats have no joints in the hands
    transl = np.stack([0.3 * time - 0.1, 0.15 + 0.05 * time, 4.0 + 0.5 * time], axis=1)
    return Truth(body, turn.as_rotvec(), pose, transl, random.normal(0, 0.5, 10))


def pictures(folder: Path, names=None, size=SIZE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(LENGTH):
        name = names[index] if names else f"{index:06d}.jpg"
        Image.fromarray(np.full((size[1], size[0], 3), 10 * index, np.uint8)).save(folder / name)
    return folder


def pixels(points: np.ndarray, camera: np.ndarray = K) -> np.ndarray:
    projected = points @ camera.T
    return projected[..., :2] / projected[..., 2:]


def body_25(known: Truth, camera: np.ndarray = K) -> np.ndarray:
    """Keypoints [T,25,3] of the truth in our pixels; those that the body has not have confidence 0."""
    places = known.body.keypoints(torch.from_numpy(known.vertices())).numpy()
    result = np.zeros((len(places), 25, 3))
    for index, name in enumerate(BODY_25):
        if name in known.body.keypoint_names:
            result[:, index, :2] = pixels(places[:, known.body.keypoint_names.index(name)], camera)
            result[:, index, 2] = 0.9
    return result


def rh_th(known: Truth) -> tuple[np.ndarray, np.ndarray]:
    """EasyMocap's rotation about the origin of the same body."""
    rest = known.pelvis_rest()
    turned = Rotation.from_rotvec(known.global_orient).apply(rest)
    return known.global_orient, known.transl + rest - turned


def world_of(R: np.ndarray, T: np.ndarray, Rh: np.ndarray, Th: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rh, Th in the world of a camera ``x_camera = R x + T``."""
    back = Rotation.from_matrix(R.T)
    return (back * Rotation.from_rotvec(Rh)).as_rotvec(), back.apply(Th - T)


def write_cameras(folder: Path, cameras: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]) -> None:
    """intri.yml and extri.yml; cameras by name as (K with whole numbers at centres, dist, R, T)."""
    inner = cv2.FileStorage(str(folder / "intri.yml"), cv2.FILE_STORAGE_WRITE)
    outer = cv2.FileStorage(str(folder / "extri.yml"), cv2.FILE_STORAGE_WRITE)
    for storage in (inner, outer):
        storage.startWriteStruct("names", cv2.FILE_NODE_SEQ)
        for name in cameras:
            storage.write("", name)
        storage.endWriteStruct()
    for name, (matrix, dist, R, T) in cameras.items():
        inner.write(f"K_{name}", matrix)
        inner.write(f"dist_{name}", dist.reshape(1, 5))
        outer.write(f"R_{name}", Rotation.from_matrix(R).as_rotvec().reshape(3, 1))
        outer.write(f"Rot_{name}", R)
        outer.write(f"T_{name}", T.reshape(3, 1))
    inner.release()
    outer.release()


def centred_at_whole(camera: np.ndarray = K) -> np.ndarray:
    """The same camera for pixels whose centres are whole numbers."""
    moved = camera.copy()
    moved[:2, 2] -= 0.5
    return moved


def write_easymocap_poses(folder: Path, Rh, Th, poses, shapes, decimals=8, start=0) -> None:
    folder.mkdir(parents=True)
    for index in range(len(Rh)):
        entry = {"id": 0, "Rh": [Rh[index]], "Th": [Th[index]], "poses": [poses[index]], "shapes": [shapes]}
        rounded = {key: np.round(np.array(value, float), decimals).tolist() for key, value in entry.items()}
        (folder / f"{start + index:06d}.json").write_text(json.dumps([{**rounded, "id": 0}]))


def write_annots(folder: Path, points: np.ndarray, others: np.ndarray | None = None, size=SIZE) -> None:
    """annots/*.json of points [T,25,3] in our pixels, with a second person listed first where given."""
    folder.mkdir(parents=True)
    for index, row in enumerate(points):
        people = [row] if others is None else [others[index], row]
        entries = []
        for number, person in enumerate(people):
            person = person - [0.5, 0.5, 0.0] * (person[:, 2:] > 0)
            seen = person[person[:, 2] > 0, :2]
            box = [*seen.min(axis=0), *seen.max(axis=0), 0.9]
            entries.append(
                {"personID": number, "bbox": list(map(float, box)), "keypoints": person.tolist(), "isKeyframe": False}
            )
        content = {"filename": f"images/{index:06d}.jpg", "height": size[1], "width": size[0], "annots": entries}
        (folder / f"{index:06d}.json").write_text(json.dumps(content))


def write_openpose(
    folder: Path, points: np.ndarray, name="clip_{:012d}_keypoints.json", start=0, empty=(), others=None
) -> None:
    folder.mkdir(parents=True)
    for index, row in enumerate(points):
        rows = [] if index in empty else [row] if others is None else [others[index], row]
        people = [
            {"person_id": [-1], "pose_keypoints_2d": (r - [0.5, 0.5, 0.0] * (r[:, 2:] > 0)).ravel().tolist()}
            for r in rows
        ]
        (folder / name.format(start + index)).write_text(json.dumps({"version": 1.3, "people": people}))


class NumpyArrayWrapper:
    """Stands for joblib's class of that name."""


NumpyArrayWrapper.__module__ = "joblib.numpy_pickle"


class _JoblibPickler(pickle._Pickler):
    """Writes arrays as joblib does: a wrapper with the array's type and shape, padding, then the bare bytes."""

    def save(self, obj, save_persistent_id=True):
        if type(obj) is not np.ndarray or obj.dtype.hasobject:
            super().save(obj, save_persistent_id)
            return
        wrapper = NumpyArrayWrapper()
        wrapper.__dict__.update(
            subclass=np.ndarray,
            shape=obj.shape,
            order="C",
            dtype=obj.dtype,
            allow_mmap=True,
            numpy_array_alignment_bytes=16,
        )
        super().save(wrapper)
        if self.proto >= 4:
            self.framer.commit_frame(force=True)
        position = self.out.tell()
        padding = 16 - (position + 1) % 16
        self.out.write(bytes([padding]) + b"\xff" * padding)
        self.out.write(np.ascontiguousarray(obj).tobytes())


def write_joblib(path: Path, content, compress=False) -> None:
    """A file as ``joblib.dump`` writes it."""
    import sys
    import types

    module = types.ModuleType("joblib.numpy_pickle")
    module.NumpyArrayWrapper = NumpyArrayWrapper
    held = {name: sys.modules.get(name) for name in ("joblib", "joblib.numpy_pickle")}
    sys.modules.update({"joblib": types.ModuleType("joblib"), "joblib.numpy_pickle": module})
    try:
        out = io.BytesIO()
        pickler = _JoblibPickler(out, protocol=4)
        pickler.out = out
        pickler.dump(content)
    finally:
        for name, old in held.items():
            if old is None:
                del sys.modules[name]
            else:
                sys.modules[name] = old
    path.write_bytes(zlib.compress(out.getvalue(), 3) if compress else out.getvalue())


def write_phalp(path: Path, known: Truth, transl: np.ndarray, compress=True) -> None:
    """PHALP's pkl: by picture lists of all people; a far bystander is number 7."""
    rotations = pose_rotations(
        torch.from_numpy(known.global_orient), torch.from_numpy(known.body_pose)
    ).numpy()  # fmt: skip
    content = {}
    for index in range(len(transl)):
        smpl = {
            "global_orient": rotations[index, :1].astype(np.float32),
            "body_pose": rotations[index, 1:].astype(np.float32),
            "betas": known.betas.astype(np.float32),
        }
        content[f"outputs/_DEMO/clip/img/{index + 1:06d}.jpg"] = {
            "time": index, "shot": 0, "tid": [7, 1], "tracked_ids": [7, 1], "tracked_time": [0, 0],
            "bbox": [np.array([0.0, 0.0, 10.0, 20.0]), np.array([100.0, 20.0, 80.0, 180.0])],
            "size": [[SIZE[1], SIZE[0]]] * 2, "smpl": [smpl, smpl],
            "camera": [(transl[index] + [5.0, 0.0, 100.0]).astype(np.float32), transl[index].astype(np.float32)],
            "conf": [np.float32(0.4), np.float32(0.99)], "mask": [{"size": [240, 320], "counts": b"ab\xe9"}] * 2,
        }  # fmt: skip
    write_joblib(path, content, compress)


def write_ntc(folder: Path, known: Truth, c2w: np.ndarray, scale=1.0) -> None:
    (folder / "param").mkdir(parents=True)
    matrix = c2w.copy()
    matrix[:3, 3] *= scale
    scipy.io.savemat(folder / "camera.mat", {"camK": K, "c2w": matrix})
    R, T = c2w[:3, :3].T, -c2w[:3, :3].T @ c2w[:3, 3]
    rest = known.pelvis_rest()
    back = Rotation.from_matrix(R.T)
    orient = (back * Rotation.from_rotvec(known.global_orient)).as_rotvec()
    trans = back.apply(known.transl + rest - T) - rest
    for index in range(len(trans)):
        results = {
            "betas": known.betas, "pose": np.concatenate([orient[index], known.body_pose[index]]), "trans": trans[index] * scale,
        }  # fmt: skip
        np.savez(folder / "param" / f"smpl_frame_{index + 1}.npz", results=np.array(results, dtype=object))


def write_instant_nvr(folder: Path, known: Truth, R: np.ndarray, T: np.ndarray) -> None:
    """annots.npy with T in mm, and params with 72 poses of which the first three are zeros."""
    (folder / "smpl_params").mkdir(parents=True)
    cams = {"K": [centred_at_whole()], "R": [R], "T": [T.reshape(3, 1) * 1000.0], "D": [np.zeros((1, 5))]}
    ims = [{"ims": [f"images/0/{index:06d}.jpg"]} for index in range(len(known.transl))]
    np.save(folder / "annots.npy", np.array({"cams": cams, "ims": ims}, dtype=object), allow_pickle=True)
    Rh, Th = world_of(R, T, *rh_th(known))
    for index in range(len(Rh)):
        row = {
            "Rh": Rh[index][None], "Th": Th[index][None], "shapes": known.betas[None],
            "poses": np.concatenate([np.zeros(3), known.body_pose[index]])[None],
        }  # fmt: skip
        np.save(folder / "smpl_params" / f"{index}.npy", np.array(row, dtype=object), allow_pickle=True)
