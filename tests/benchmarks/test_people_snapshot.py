"""The benchmark on People-Snapshot from end to end, on a made-up subject in the data set's own layouts."""

import pickle
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch

from benchmarks.people_snapshot import protocols
from benchmarks.people_snapshot.data import find_subjects
from tests.support.avatar_scenes import plaid, turning_track
from tests.support.smpl_files import smpl_arrays
from understudy.avatar.gaussians.model import GaussianAvatar
from understudy.avatar.gaussians.sampling import sample_surface
from understudy.body.files import load_body
from understudy.body.model import BodyModel
from understudy.errors import InputError
from understudy.render.camera import Camera
from understudy.video.write import write_video

NAME, FRAMES, SIDE = "female-3-casual", 16, 160
K = np.array([[190.0, 0.0, 79.0], [0.0, 191.0, 80.5], [0.0, 0.0, 1.0]])
"""As files have it: pixel centres at whole numbers."""
QUICK = [
    "--train",
    "0:10:2",
    "--test",
    "11:15:2",
    "--steps",
    "40",
    "--gaussians",
    "1500",
    "--refine-steps",
    "4",
    "--threads",
    "1",
]


class Stored:
    """What ``h5py.File`` gives, from an npz; h5py itself is wanted by this benchmark alone."""

    def __init__(self, path, mode):
        self.arrays = dict(np.load(path))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def __contains__(self, key):
        return key in self.arrays

    def __getitem__(self, key):
        return self.arrays[key]


@pytest.fixture
def hdf5(monkeypatch: pytest.MonkeyPatch):
    module = ModuleType("h5py")
    module.File = Stored
    monkeypatch.setitem(sys.modules, "h5py", module)


@pytest.fixture(scope="module")
def smpl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smpl")
    np.savez(folder / "SMPL_FEMALE.npz", **smpl_arrays())
    return folder


@pytest.fixture(scope="module")
def film(smpl: Path) -> dict[str, np.ndarray]:
    """Pictures, masks and poses of a person in plaid."""
    body = load_body(smpl / "SMPL_FEMALE.npz")
    ours = K.copy()
    ours[:2, 2] += 0.5
    track = turning_track(FRAMES, body, ours)
    avatar = plaid_avatar(body)
    pictures, masks = [], []
    for frame in range(FRAMES):
        pose = (torch.from_numpy(part[frame]) for part in (track.global_orient, track.body_pose, track.transl))
        with torch.no_grad():
            render = avatar.render(*pose, camera=Camera(ours, SIDE, SIDE), background=torch.full((3,), 0.3))
        pictures.append((255 * render.rgb.clamp(0, 1)).round().byte().numpy())
        masks.append((render.alpha.numpy() > 0.5).astype(np.uint8))
    poses = np.concatenate([track.global_orient, track.body_pose], axis=1)
    return {"pictures": np.stack(pictures), "masks": np.stack(masks), "pose": poses, "trans": track.transl}


def plaid_avatar(body: BodyModel) -> GaussianAvatar:
    vertices = body.v_template.numpy()
    anchors = sample_surface(vertices, body.faces, body.parts, 3000, 5)
    points = (vertices[body.faces[anchors.face]] * anchors.bary[..., None]).sum(axis=1)
    return GaussianAvatar(body, anchors, np.zeros(body.num_betas, np.float32), plaid(points)).requires_grad_(False)


def write_raw(folder: Path, film: dict[str, np.ndarray]) -> Path:
    """The data set's own layout: pickles of Python 2's protocol, HDF5, a video."""
    folder = folder / NAME
    folder.mkdir()
    camera = {
        "camera_f": K[[0, 1], [0, 1]], "camera_c": K[:2, 2], "camera_k": np.zeros(5), "camera_rt": np.zeros(3),
        "camera_t": np.zeros(3), "width": SIDE, "height": SIDE,
    }  # fmt: skip
    (folder / "camera.pkl").write_bytes(pickle.dumps(camera, 2))
    consensus = {"betas": np.zeros(10), "v_personal": np.zeros((6890, 3))}
    (folder / "consensus.pkl").write_bytes(pickle.dumps(consensus, 2))
    for name, arrays in {
        "masks": {"masks": film["masks"]},
        "reconstructed_poses": {"betas": np.zeros(10), "pose": film["pose"], "trans": film["trans"]},
    }.items():
        with open(folder / f"{name}.hdf5", "wb") as file:
            np.savez(file, **arrays)
    write_video(folder / f"{NAME}.mp4", iter(film["pictures"]), 30, crf=1)
    return folder


def write_ready(folder: Path, film: dict[str, np.ndarray]) -> Path:
    """InstantAvatar's layout, with the poses of Anim-NeRF for its splits."""
    folder = folder / NAME
    for name in ("images", "masks", "poses"):
        (folder / name).mkdir(parents=True)
    np.savez(folder / "cameras.npz", intrinsic=K, extrinsic=np.eye(4), height=SIDE, width=SIDE)
    for frame, (picture, mask) in enumerate(zip(film["pictures"], film["masks"], strict=True)):
        cv2.imwrite(str(folder / "images" / f"image_{frame:04d}.png"), picture[..., ::-1])
        np.save(folder / "masks" / f"mask_{frame:04d}.npy", mask)
    for name, chosen in (("train", slice(0, 11, 2)), ("test", slice(11, 16, 2))):
        np.savez(
            folder / "poses" / f"anim_nerf_{name}.npz", betas=np.zeros((1, 10), np.float32),
            global_orient=film["pose"][chosen, :3], body_pose=film["pose"][chosen, 3:], transl=film["trans"][chosen],
        )  # fmt: skip
    np.savez(folder / "poses.npz", betas=np.zeros(10), thetas=0 * film["pose"], transl=film["trans"])
    return folder


def test_instantavatars_folder_is_trained_on_and_measured(tmp_path, film, smpl, capsys):
    folder = write_ready(tmp_path, film)
    (result,) = protocols.main([str(folder), "--body", str(smpl), "--work", str(tmp_path / "work"), *QUICK])
    assert result.poses == "poses/anim_nerf_train.npz, poses/anim_nerf_test.npz"
    assert result.given["psnr"] > 24.0 and result.refined["psnr"] > 24.0
    assert result.given["psnr"] > result.given["psnr_box"] + 1.0  # white around the person is easy
    assert "lpips" not in result.given
    printed = capsys.readouterr().out
    assert f"| {NAME} | poses/anim_nerf_train.npz" in printed and "| mean |" in printed
    assert "| InstantAvatar, 60 s | 29.65 / .9730 / .0192" in printed and "LPIPS |" not in printed
    work = tmp_path / "work" / NAME
    assert len(list((work / "frames").glob("[!.]*"))) == 9
    picture = cv2.imread(str(work / "frames" / "000000.png"))
    assert picture.shape == (SIDE // 2, SIDE // 2, 3)
    assert set(np.unique(cv2.imread(str(work / "alpha" / "000000.png")))) == {0, 255}  # masks of 0 and 1 stay hard
    assert sorted(path.name for path in (work / "renders").glob("*.png")) == ["000006.png", "000007.png", "000008.png"]


def test_the_data_sets_own_folder_is_trained_on_by_the_protocol_of_anim_nerf(tmp_path, film, smpl, capsys, hdf5):
    write_raw(tmp_path, film)
    arguments = [str(tmp_path), "--protocol", "anim-nerf", "--size", "96", "--body", str(smpl)]
    (result,) = protocols.main([*arguments, *QUICK])
    assert result.poses == "reconstructed_poses.hdf5, reconstructed_poses.hdf5"
    assert result.given["psnr"] > 24.0
    assert "not comparable" in capsys.readouterr().out


def test_both_layouts_give_the_same_pictures_camera_and_poses(tmp_path, film, smpl, hdf5):
    (raw,) = find_subjects(write_raw(tmp_path, film))
    (ready,) = find_subjects(write_ready(tmp_path / "ready", film))
    np.testing.assert_array_equal(raw.lens.K, ready.lens.K)
    np.testing.assert_array_equal(raw.lens.extrinsic, ready.lens.extrinsic)
    for (picture, mask), (other, same) in zip(raw.pictures([1, 7]), ready.pictures([1, 7]), strict=True):
        assert np.abs(picture.astype(int) - other).mean() < 4.0  # the video is compressed, its colours are halved
        np.testing.assert_array_equal(mask, same)
    given, other = raw.poses("test", [11, 13, 15], own=True), ready.poses("test", [11, 13, 15], own=False)
    for key in ("global_orient", "body_pose", "transl", "betas"):
        np.testing.assert_allclose(given.values[key], other.values[key])
    own = ready.poses("test", [11, 13, 15], own=True)
    assert own.source == "poses.npz" and not own.values["body_pose"].any()


def test_the_camera_of_scaled_pictures_sees_a_point_where_it_is(tmp_path, film):
    (subject,) = find_subjects(write_ready(tmp_path, film))
    scaled = protocols.scaled_camera(subject.lens, (SIDE // 2, SIDE // 2))
    point = np.array([0.3, -0.2, 3.0])
    place, small = (K @ point)[:2] / 3.0, (scaled @ point)[:2] / 3.0
    np.testing.assert_allclose(small, (place + 0.5) / 2)


def test_lens_distortion_is_removed_before_or_after_scaling(tmp_path, film):
    (subject,) = find_subjects(write_ready(tmp_path, film))
    lens = replace(subject.lens, distortion=np.array([0.1, 0.0, 0.0, 0.0, 0.0]))
    first, last = (
        protocols.made(film["pictures"][0], film["masks"][0], lens, (80, 80), protocols.PROTOCOLS[name])
        for name in ("instantavatar", "anim-nerf")
    )
    plain = cv2.resize(film["pictures"][0], (80, 80)).astype(int)
    apart = np.abs(first[0].astype(int) - last[0]).mean()
    assert 0 < apart < 0.5 * np.abs(first[0].astype(int) - plain).mean()
    assert set(np.unique(first[1])) == {0, 255} and len(np.unique(last[1])) > 2


def test_published_frames_are_those_of_the_configurations():
    counts = {
        name: tuple(len(range(start, end + 1, step)) for start, end, step in splits)
        for name, splits in protocols.SPLITS.items()
    }
    assert counts == {
        "male-3-casual": (114, 55), "male-4-casual": (110, 36), "female-3-casual": (112, 51), "female-4-casual": (84, 48),
    }  # fmt: skip
    train, test = protocols.splits_of("female-4-casual", protocols.parse(["folder"]))
    assert train[-1] == 332 and test[0] == 335 and not set(train) & set(test)


def test_what_is_missing_is_said_in_a_sentence(tmp_path, film, smpl, monkeypatch):
    folder = write_ready(tmp_path, film)
    with pytest.raises(InputError, match="give SMPL's file with --body"):
        protocols.main([str(folder)])
    with pytest.raises(InputError, match=r"no SMPL_FEMALE\.pkl or \.npz"):
        protocols.main([str(folder), "--body", str(tmp_path)])
    with pytest.raises(InputError, match=r"6 poses but the train split 4 frames"):
        find_subjects(folder)[0].poses("train", [0, 2, 4, 6], own=False)
    with pytest.raises(InputError, match="holds no subject"):
        find_subjects(tmp_path / "nothing")
    renamed = folder.rename(folder.with_name("anna"))
    with pytest.raises(InputError, match="give --train and --test"):
        protocols.main([str(renamed), "--body", str(smpl)])
    monkeypatch.setitem(sys.modules, "h5py", None)
    raw = write_raw(tmp_path, film)
    with pytest.raises(InputError, match="pip install h5py"):
        find_subjects(raw)[0].poses("train", [0, 2], own=True)
