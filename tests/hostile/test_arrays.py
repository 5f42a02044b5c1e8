"""Arrays that mean harm, in npz, pickles, MATLAB's and torch's files: nothing is run, and what they claim costs nothing."""

import pickle
import struct
import time
import zlib
from contextlib import suppress

import numpy as np
import pytest
import scipy.io

from tests.support.bodies import sausage_body
from tests.support.harmful import Harm, frugal, npy, zipped  # noqa: F401  (frugal is for every test)
from tests.support.smpl_files import smpl_arrays
from understudy.avatar.training.checkpoint import Checkpoint
from understudy.body.files import load_body
from understudy.errors import InputError
from understudy.files.arrays import check_ranges, read_npz
from understudy.files.safe_arrays import read_any, read_pickle
from understudy.formats.keypoints import Keypoints
from understudy.importers.matlab import read_matlab
from understudy.importers.registry import guess_format
from understudy.motion.read import read_motion


@pytest.mark.parametrize(
    "read",
    [read_npz, Keypoints.load, load_body, read_any, guess_format, lambda path: read_motion(path, sausage_body())],
)
def test_objects_in_an_npz_are_not_made(tmp_path, read):
    harm = npy(np.array([Harm(tmp_path / "harmed")], dtype=object))
    path = zipped(tmp_path / "a.npz", keypoints=harm, names=harm, bbox=harm, poses=harm, v_template=harm)
    with pytest.raises(InputError, match=r"a\.npz"):
        read(path)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("read", [load_body, read_pickle, read_any, guess_format])
def test_code_in_a_pickled_body_is_not_run(tmp_path, read, protocol):
    content = {**smpl_arrays(3), "J_regressor": Harm(tmp_path / "harmed")}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol=protocol))
    with pytest.raises(InputError, match=r"a\.pkl"):
        read(tmp_path / "a.pkl")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cos\nsystem\n(S'touch harmed'\ntR.", b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\nI0\nS'b'\ntR.", b"cnumpy\nload\n(S'x'\ntR.",
        b"X\x01\x00\x00\x00ar\xff\xff\xff\xff.", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x0f" + b"a.", b"(" * 10_000 + b".",
        b"\x80\x02cnumpy\ndtype\nq\x00U\x02f8K\x00K\x01\x87q\x01Rq\x02(K\x03U\x01<NNNJ@B\x0f\x00J\xff\xff\xff\xffK\x00tb.",
        b"\x80\x02cnumpy\ndtype\nU\x02V8K\x00K\x01\x87R(K\x03U\x01|NU\x01a\x85}U\x01acnumpy\ndtype\nU\x02f8K\x00K\x01\x87R"
        b"J@B\x0f\x00\x86sK\x08K\x01K\x10tb.",
    ],
)  # fmt: skip
def test_malicious_pickles_are_refused_at_once(tmp_path, monkeypatch, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pkl").write_bytes(code)
    with pytest.raises(InputError):
        load_body(tmp_path / "a.pkl")
    with suppress(InputError):
        assert not isinstance(read_pickle(tmp_path / "a.pkl"), np.ndarray)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pkl"]


@pytest.mark.parametrize("protocol", [2, 4])
def test_no_byte_of_a_pickled_array_makes_the_reader_crash(tmp_path, protocol):
    """NumPy's own functions crash on some of these."""
    content = {
        "x": np.arange(3.0),
        "o": np.array([{"a": np.arange(2, dtype=">i4")}, "b"], object),
        "s": np.float64(2.0),
        "u": np.array(["ab"]),
    }
    data, path = pickle.dumps(content, protocol=protocol), tmp_path / "a.pkl"
    path.write_bytes(data)
    read = read_pickle(path)
    assert (
        read["x"].tolist() == [0.0, 1.0, 2.0]
        and read["o"][0]["a"].tolist() == [0, 1]
        and read["s"] == 2.0
        and read["u"].tolist() == ["ab"]
    )
    for place in range(len(data)):
        for value in (data[place] ^ 1, 0xFF):
            path.write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
            with suppress(InputError):
                read_pickle(path)


def test_a_pickle_of_many_arrays_takes_no_longer_for_each(tmp_path):
    """As one with many frames has; half a minute where each array is sought among all others."""
    rows = {number: {"pose": np.arange(3.0) + number, "betas": np.ones((2, 2), ">f4")} for number in range(8000)}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(rows, protocol=4))
    began = time.process_time()
    read = read_pickle(tmp_path / "a.pkl")
    assert time.process_time() - began < 5
    assert read[7999]["pose"].tolist() == [7999, 8000, 8001] and read[7999]["betas"].dtype == ">f4"


def test_no_byte_of_a_matlab_file_makes_the_reader_crash(tmp_path):
    """SciPy's reader crashes on some of these."""
    matrices = {
        "camK": np.arange(9.0).reshape(3, 3),
        "c2w": np.arange(32, dtype=np.float32).reshape(2, 4, 4),
        "name": "text",
        "n": np.uint8(3),
    }
    path = tmp_path / "camera.mat"
    for compress in (False, True):
        scipy.io.savemat(
            path, {**matrices, "z": np.ones(2) * 1j, "cell": np.array([1, "a"], object)}, do_compression=compress
        )
        read = read_matlab(path)
        assert set(read) == {"camK", "c2w", "n"} and all(
            np.array_equal(read[key].squeeze(), matrices[key]) for key in read
        )
        data = path.read_bytes()
        for place in range(126, len(data)):
            for value in (data[place] ^ 3, 0xFF):
                path.write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
                with suppress(InputError):
                    read_matlab(path)


def test_a_state_of_a_training_with_code_is_begun_anew(tmp_path):
    import torch

    torch.save({"key": "key", "state": Harm(tmp_path / "harmed")}, tmp_path / "state")
    assert Checkpoint(tmp_path / "state", "key").load(torch.device("cpu")) is None
    torch.save(Harm(tmp_path / "harmed"), tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"a\.pt"):
        read_any(tmp_path / "a.pt")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "header",
    [
        {"shape": (10**12,)}, {"shape": (-1,)}, {"shape": (2**62, 4)}, {"descr": "<U100000000"}, {"descr": "|O"},
        {"descr": "<U4022402871"},
        {"shape": "(" * 100}, {"descr": [("a", "<f8", (10**9,))]},
    ],
)  # fmt: skip
def test_arrays_that_claim_to_be_large_cost_nothing(tmp_path, header):
    path = zipped(tmp_path / "a.npz", x=npy(np.zeros(4), **header))
    with pytest.raises(InputError, match=r"a\.npz"):
        read_npz(path)
    with pytest.raises(InputError):
        read_any(path)


def test_bombs_of_zip_are_not_unfolded(tmp_path, monkeypatch):
    monkeypatch.setattr("understudy.files.arrays.LARGEST", 1 << 24)
    monkeypatch.setattr("understudy.files.safe_arrays.MAX_BYTES", 1 << 24)
    path = zipped(tmp_path / "a.npz", x=npy(np.zeros(1 << 22)), skin_joints=b"", v_template=npy(np.zeros(3)))
    assert path.stat().st_size < 1 << 20
    for read in (read_npz, read_any, load_body):
        with pytest.raises(InputError, match="unfolds to"):
            read(path)
    (tmp_path / "b.pkl").write_bytes(zlib.compress(bytes(1 << 26)))
    with pytest.raises(InputError, match="unpacks to more"):
        read_pickle(tmp_path / "b.pkl")


def test_a_zip_that_lies_about_its_sizes_is_refused(tmp_path):
    path = zipped(tmp_path / "a.npz", x=npy(np.zeros(1 << 18)))
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", 200)
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_npz(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1, [0.5, np.nan], np.full((2, 2), 7)])
def test_numbers_outside_a_range_are_refused(value):
    with pytest.raises(ValueError, match="alpha is"):
        check_ranges({"alpha": value}, {"alpha": (0.0, 1.0)})


@pytest.mark.parametrize("value", [0, 1.0, [], [0.0, 1.0], np.zeros((2, 3), bool)])
def test_a_range_holds_both_its_ends_and_nothing_is_asked_of_what_is_absent(value):
    check_ranges({"alpha": value}, {"alpha": (0.0, 1.0), "fps": (1.0, 2.0)})
