"""Pickles and torch's files that nest, count, share or hash beyond all measure: refused, soon, and without much memory."""

import lzma
import os
import pickle
import resource
import signal
import struct
import traceback
import zipfile
import zlib
from random import Random

import numpy as np
import pytest
import torch

from tests.support.harmful import frugal, npy  # noqa: F401  (frugal is for every test)
from tests.support.smpl_files import smpl_arrays
from understudy.avatar.training.checkpoint import Checkpoint
from understudy.backends.checkpoints import read_weights
from understudy.body.files import load_body
from understudy.errors import InputError
from understudy.files.arrays import read_npz
from understudy.files.pickle_machine import Machine
from understudy.files.safe_arrays import read_any, read_pickle
from understudy.files.safe_torch import load_torch
from understudy.importers.matlab import read_matlab

SECONDS = 20


def told(read, path) -> str:
    """What a reader refuses a file with, "" where it reads it; in a process of its own, which may crash."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        try:
            read(path)
            os._exit(0)
        except InputError as error:
            os.write(writing, str(error).encode(errors="replace")[:4000])
            os._exit(0)
        except BaseException:
            os.write(writing, traceback.format_exc().encode(errors="replace")[-4000:])
            os._exit(1)
    os.close(writing)
    _, status = os.waitpid(process, 0)
    with os.fdopen(reading, "rb") as pipe:
        message = pipe.read().decode()
    assert status == 0, f"status {status}: {message}"
    return message


def global_(module, name):
    return f"c{module}\n{name}\n".encode()


DTYPE = global_("numpy", "dtype")
OBJECTS = DTYPE + b"\x8c\x02O8\x85R"
ARRAY = global_("numpy.core.multiarray", "_reconstruct") + b"(" + global_("numpy", "ndarray") + b"K\x00\x85C\x01btR"
BUFFER = global_("numpy.core.numeric", "_frombuffer")
CH = global_("chumpy.ch", "Ch")
JOBLIB = global_("joblib.numpy_pickle", "NumpyArrayWrapper")
DEEP = 1_000_000
BIG = b"\x8a\x05\x00\xf9\x02\x95\x00"  # 2.5e9

NESTED = {
    "a tuple": b"N" + b"\x85" * DEEP,
    "a tuple as a key": b"}N" + b"\x85" * DEEP + b"Ns",
    "a tuple of marks": b"(" * DEEP + b"t" * DEEP,
    "a tuple in a set": b"\x8f(N" + b"\x85" * DEEP + b"\x90",
    "a pair of itself": b"}N" + b"2\x86" * 60 + b"Ns",
    "lists": b"]" * 50_000 + b"a" * 49_999,
    "lists, the outer first": b"]q\x00" + b"]q\x010h\x00h\x01a0h\x01q\x00" * 10_000,
    "dicts": b"}" + b"K\x01}" * 50_000 + b"s" * 50_000,
    "frozen sets": b"(" * DEEP + b"\x91" * DEEP,
    "objects": CH + b"q\x00N" + b"q\x010h\x00)\x81}K\x01h\x01sb" * 30_000,
    "arrays": b"N" + (b"q\x010" + ARRAY + b"(K\x01)" + OBJECTS + b"\x89]h\x01atb") * 30_000,
    "joblib's pickles in pickles": (JOBLIB + b")\x81}(\x8c\x05dtype" + OBJECTS + b"\x8c\x05shape)ub") * 1000
    + b"N"
    + b"." * 1000,
}
SHARED = {
    "a list of itself": b"]q\x00h\x00a",
    "a dict of itself": b"}q\x00K\x01h\x00s",
    "lists in each other": b"]q\x00]q\x01h\x00ah\x01a",
    "a list that grows later": b"]q\x00]q\x01ah\x01K\x01a",
    "lists of each other twice": b"K\x01" + b"\x85q\x01" + b"h\x01h\x01\x86q\x01" * 60,
    "one array a million times": b"](" + BUFFER + b"(B\x00\x00\x10\x00" + bytes(1 << 20) + DTYPE
    + b"\x8c\x02u1\x85R\x8a\x03\x00\x00\x10\x85\x8c\x01CtRq\x00" + b"h\x00" * 100_000 + b"e",
    "copies of one array": b"](B\x00\x00\x10\x00" + bytes(1 << 20) + b"q\x00" + BUFFER + b"q\x01" + DTYPE
    + b"\x8c\x02u1\x85Rq\x02" + b"h\x01(h\x00h\x02\x8a\x03\x00\x00\x10\x85\x8c\x01CtR" * 5000 + b"e",
}  # fmt: skip
COUNTED = {
    "bytes by number": BUFFER + b"(" + BIG + DTYPE + b"\x8c\x02u1\x85R" + BIG + b"\x85\x8c\x01CtR",
    "words without letters": BUFFER + b"(C\x00" + DTYPE + b"\x8c\x02S0\x85R" + BIG + b"\x85\x8c\x01CtR",
    "rows of nothing": BUFFER + b"(C\x00" + DTYPE + b"\x8c\x02u1\x85R" + BIG + b"K\x00\x86\x8c\x01CtR",
    "long words": BUFFER + b"(C\x01a" + DTYPE + b"\x8c\x07S999999\x85R" + BIG + b"\x85\x8c\x01CtR",
    "a shape of bytes": BUFFER + b"(C\x00" + DTYPE + b"\x8c\x02u1\x85RC\x01\x00\x8c\x01CtR",
    "a shape of a truth": BUFFER + b"(C\x01a" + DTYPE + b"\x8c\x02u1\x85R\x88\x85\x8c\x01CtR",
    "a negative shape": BUFFER + b"(C\x01a" + DTYPE + b"\x8c\x02u1\x85RJ\xff\xff\xff\xff\x85\x8c\x01CtR",
    "many dimensions": BUFFER + b"(C\x01a" + DTYPE + b"\x8c\x02u1\x85R(" + b"K\x01" * 3000 + b"t\x8c\x01CtR",
    "a huge shape": BUFFER + b"(C\x01a" + DTYPE + b"\x8c\x02u1\x85R(" + (b"\x8a\xff" + b"\x7f" * 255) * 3000 + b"t\x8c\x01CtR",
    "a byte array": b"\x96\xff\xff\xff\xff\xff\x00\x00\x00a",
    "a frame": b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f]",
    "a number of many digits": b"\x8b\x00\x00\x10\x00" + b"\x7f" * (1 << 20),
    "a number of many letters": b"L0x" + b"f" * (1 << 20) + b"L\n",
    "joblib's array": JOBLIB + b")\x81}(\x8c\x05dtype" + DTYPE
    + b"\x8c\x02f8\x85R\x8c\x05shape" + BIG + b"\x85ub",
    "joblib's padding": JOBLIB + b")\x81}(\x8c\x05dtype" + DTYPE
    + b"\x8c\x02f8\x85R\x8c\x05shapeK\x01\x85\x8c\x1bnumpy_array_alignment_bytesK\x10ub",
}  # fmt: skip
CALLED = {
    "attributes of a function": global_("_codecs", "encode") + b"}\x8c\x01aK\x01sb",
    "slots of a function": global_("_codecs", "encode") + b"N}\x8c\x04makeK\x01s\x86b",
    "attributes of a class": global_("numpy", "ndarray") + b"N}\x8c\x06placesK\x01s\x86b",
    "attributes of a held class": CH + b"N}\x8c\x04kindK\x01s\x86b",
    "attributes of a list": b"]N}\x8c\x01aK\x01s\x86b",
    "attributes of a set": global_("builtins", "set") + b"N}\x8c\x01aK\x01s\x86b",
    "items of an array": ARRAY + b"(K\x01" + b"K\x01\x85" + DTYPE + b"\x8c\x02u1\x85R\x89C\x01atbK\x00K\x07s",
    "items of an object": CH + b")\x81K\x07a",
    "a call of a number": b"K\x01)R",
    "a call of an array": ARRAY + b")R",
    "a call with a list": global_("_codecs", "encode") + b"]R",
    "a new number": b"K\x01)\x81",
    "an extension": b"\x82\x01",
    "a reference by name": b"Pname\n",
    "a reference": b"K\x01Q",
    "a buffer": b"\x97",
    "a view of bytes": b"\x96\x01\x00\x00\x00\x00\x00\x00\x00a\x98",
    "a long name": b"\x8c\x06chumpyX" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"\x93",
}
HASHED = {
    "numbers of one hash": b"}(" + b"".join(
        b"\x8a\x0c" + (k * ((1 << 61) - 1)).to_bytes(12, "little") + b"N" for k in range(1, 60_000)) + b"u",
    "a long tuple as a key": b"}((" + b"K\x01" * 100_000 + b"tq\x00N" + b"h\x00N" * 100_000 + b"u",
    "complex numbers": b"}" + global_("numpy.core.multiarray", "scalar") + b"(" + DTYPE + b"\x8c\x03c16\x85RC\x10" + bytes(16)
    + b"tRNs",
}  # fmt: skip
PROGRAMS = {**NESTED, **SHARED, **COUNTED, **CALLED, **HASHED}


@pytest.mark.parametrize("name", PROGRAMS)
def test_harmful_programs_are_refused_in_a_sentence(tmp_path, name):
    path = tmp_path / "a.pkl"
    path.write_bytes(b"\x80\x04" + PROGRAMS[name] + b".")
    for read in (read_pickle, load_body, read_any):
        message = told(read, path)
        assert message or (name == "a frame" and read is not load_body)
        assert len(message) < 700 and "\n" not in message


def torch_file(path, program, **members):
    """A file of ``torch.save`` with another program in it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + program + b".")
        archive.writestr("a/byteorder", b"little")
        archive.writestr("a/version", b"3\n")
        for key, content in members.items():
            archive.writestr(f"a/data/{key}", content)
    return path


def word(text):
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def storage(count, kind="FloatStorage", key="s"):
    return b"(" + word("storage") + global_("torch", kind) + word(key) + word("cpu") + count + b"tQ"


def tensor(numbers, first, shape, strides):
    return global_("torch._utils", "_rebuild_tensor_v2") + b"(" + numbers + first + shape + strides + b"\x89}tR"


ONE = b"K\x01"
TENSORS = {
    "no stride": tensor(storage(ONE), b"K\x00", BIG + b"\x85", b"K\x00\x85"),
    "no stride, many times": b"](" + tensor(storage(ONE), b"K\x00", b"\x8a\x04\x00\x00\x00\x01\x85", b"K\x00\x85") * 100 + b"e",
    "too long": tensor(storage(ONE), b"K\x00", b"K\x02\x85", b"K\x01\x85"),
    "a far stride": tensor(storage(ONE), b"K\x00", b"K\x02\x85", b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x0f\x85"),
    "a stride backwards": tensor(storage(ONE), b"K\x00", b"K\x01\x85", b"J\xff\xff\xff\xff\x85"),
    "a far start": tensor(storage(ONE), BIG, b"K\x01\x85", b"K\x01\x85"),
    "a start before all": tensor(storage(ONE), b"J\xff\xff\xff\xff", b"K\x01\x85", b"K\x01\x85"),
    "rows of nothing": tensor(storage(ONE), b"K\x00", BIG + b"K\x00\x86", b"K\x01K\x01\x86"),
    "numbers that are not there": tensor(storage(BIG), b"K\x00", BIG + b"\x85", b"K\x01\x85"),
    "a negative count": tensor(storage(b"J\xff\xff\xff\xff"), b"K\x00", b")", b")"),
    "another record": tensor(storage(ONE, key="t"), b"K\x00", b")", b")"),
    "bytes by number": global_("builtins", "bytearray") + BIG + b"\x85R",
    "a new tensor": global_("torch", "FloatTensor") + BIG + b"\x85R",
    "a new storage": global_("torch", "FloatStorage") + BIG + b"\x85R",
    "a file within": global_("torch.storage", "_load_from_bytes") + b"U\x01a\x85R",
    "attributes of a function": global_("torch.serialization", "_get_layout") + b"N}X\x01\x00\x00\x00aK\x01s\x86b",
    "attributes of a tensor": tensor(storage(ONE), b"K\x00", b")", b")") + b"}X\x01\x00\x00\x00aK\x01sb",
    "a deep key": b"}N" + b"\x85" * DEEP + b"Ns",
    "a pair of itself": b"}N" + b"2\x86" * 60 + b"Ns",
    "copies of one tensor": b"](" + tensor(storage(b"J\x00\x00\x04\x00", "HalfStorage", "h"), b"K\x00",
                                          b"J\x00\x00\x04\x00\x85", b"K\x01\x85") + b"q\x00" + b"h\x00" * 30_000 + b"e",
}  # fmt: skip


@pytest.mark.parametrize("name", TENSORS)
def test_harmful_tensors_are_refused_in_a_sentence(tmp_path, name):
    path = torch_file(tmp_path / "a.pt", TENSORS[name], s=bytes(4), h=bytes(1 << 19))
    for read in (read_any, lambda path: read_weights(path) and None):
        message = told(read, path)
        assert message and len(message) < 700 and "\n" not in message


def old_file(program, keys=(b"s",), counts=(1,), content=bytes(4)):
    """As torch wrote files before version 1.6."""
    start = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    listed = b"\x80\x02](" + b"".join(b"\x8c\x01" + key for key in keys) + b"e."
    return (
        start + b"\x80\x02" + program + b"." + listed + b"".join(struct.pack("<q", count) for count in counts) + content
    )


def old_storage(count, view=b"N"):
    return storage(count)[:-2] + view + b"tQ"


@pytest.mark.parametrize(
    "file",
    [
        old_file(tensor(old_storage(BIG), b"K\x00", BIG + b"\x85", b"K\x01\x85"), counts=(2_500_000_000,)),
        old_file(tensor(old_storage(ONE), b"K\x00", BIG + b"\x85", b"K\x00\x85")),
        old_file(tensor(old_storage(ONE), b"K\x00", b")", b")"), keys=()),
        old_file(tensor(old_storage(ONE), b"K\x00", b")", b")"), counts=(2,)),
        old_file(tensor(old_storage(ONE), b"K\x00", b")", b")"), content=b"abc"),
        old_file(tensor(old_storage(ONE, b"\x8c\x01vK\x00K\x02\x87"), b"K\x00", b")", b")")),
        b"PK" + bytes(100), b"", b"ustar" * 100,
    ],
)  # fmt: skip
def test_harmful_old_files_of_torch_are_refused(tmp_path, file):
    (tmp_path / "a.pth").write_bytes(file)
    assert told(read_weights, tmp_path / "a.pth")


def test_torch_script_is_no_file_of_weights(tmp_path):
    torch.jit.script(torch.nn.Linear(1, 1)).save(tmp_path / "a.pt")
    with pytest.raises(InputError, match="TorchScript"):
        read_weights(tmp_path / "a.pt")


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_torch_are_read_as_torch_reads_them(tmp_path, zipped):
    random = torch.Generator().manual_seed(0)
    base = torch.randn(4, 5, generator=random)
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    content = {
        "state_dict": network.state_dict(), "optimizer": optimizer.state_dict(), "parameter": network[0].weight,
        "views": [base, base.T, base[1:, ::2], base[0, 0], base[:0]], "expanded": torch.ones(1).expand(1000, 3),
        "kinds": tuple(base.to(kind) for kind in (torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.bool,
                                                  torch.complex64, torch.int64)),
        "shape": base.shape, "epoch": 3, "name": "ab", "lr": 0.1, "none": None, "set": {1, 2}, "bytes": bytearray(b"ab"),
        7: {"nested": [(), [], {}]},
    }  # fmt: skip
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    expected = torch.load(tmp_path / "a.pt", map_location="cpu", weights_only=True)
    read = load_torch(tmp_path / "a.pt")
    compared = 0

    def same(ours, theirs):
        nonlocal compared
        if isinstance(theirs, torch.Tensor):
            compared += 1
            assert (
                ours.dtype == theirs.dtype and ours.stride() == theirs.stride() and torch.equal(ours, theirs.detach())
            )
        elif isinstance(theirs, dict):
            assert list(ours) == list(theirs)
            for key in theirs:
                same(ours[key], theirs[key])
        elif isinstance(theirs, (list, tuple)):
            assert len(ours) == len(theirs)
            for one, other in zip(ours, theirs, strict=True):
                same(one, other)
        else:
            assert ours == theirs and type(ours) is type(theirs)

    same(read, expected)
    assert compared > 20


def test_tensors_that_nothing_here_needs_are_passed_over(tmp_path):
    torch.save({"a": torch.eye(2).to_sparse(), "b": torch.ones(2), "device": torch.device("cpu")}, tmp_path / "a.pt")
    assert list(read_weights(tmp_path / "a.pt")) == ["b"]


def test_random_programs_end_in_a_value_or_a_sentence(tmp_path):
    """Of pieces that know what to do with each other, now and then with a byte changed."""
    pieces = [
        *(bytes([code]) for code in b"N])}\x8f(tld\x91aesu\x90\x85\x86\x87012\x94Rb\x81\x92o\x93."),
        b"K\x01", b"K\x00", BIG, b"\x8a\x00", b"C\x01a", b"\x8c\x01a", b"\x8c\x01x", b"\x8c\x06latin1", b"F1.5\n",
        b"q\x00", b"h\x00", b"q\x01", b"h\x01", b"\x96\x01" + bytes(7) + b"a", b"\x95" + bytes(8), b"K\x02" * 3,
        DTYPE, DTYPE + b"\x8c\x02f8\x85R", OBJECTS, ARRAY, BUFFER, CH + b")\x81", JOBLIB + b")\x81",
        ARRAY + b"(K\x01K\x01\x85" + DTYPE + b"\x8c\x02u1\x85R\x89C\x01atb",
        global_("builtins", "set"), global_("_codecs", "encode"), global_("scipy.sparse.csc", "csc_matrix") + b")\x81",
        global_("copy_reg", "_reconstructor"), global_("collections", "OrderedDict"),
        storage(ONE), tensor(storage(ONE), b"K\x00", b")", b")"),
    ]  # fmt: skip
    random = Random(7)
    path = tmp_path / "a"

    def read_all(path):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(600):
            program = bytearray(b"".join(random.choices(pieces, k=random.randint(3, 25))))
            if random.random() < 0.3:
                program[random.randrange(len(program))] = random.randrange(256)
            path.write_bytes(b"\x80\x04" + program + b".")
            torch_file(path.with_suffix(".pt"), bytes(program), s=bytes(4))
            for read, name in ((read_pickle, path), (load_body, path), (read_any, path.with_suffix(".pt"))):
                try:
                    repr(read(name))
                except InputError:
                    pass
                except BaseException:
                    raise AssertionError(f"{read.__name__} {bytes(program)!r}") from None
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10

    assert told(read_all, path) == ""


@pytest.mark.parametrize("read", [read_pickle, load_body, read_any, read_weights])
def test_want_of_memory_is_no_damage(tmp_path, monkeypatch, read):
    def out_of_memory(machine):
        raise MemoryError

    monkeypatch.setattr(Machine, "load", out_of_memory)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(MemoryError):
        read(tmp_path / "a.pkl")
    torch.save({"key": "key", "state": {}}, tmp_path / "state")
    with pytest.raises(MemoryError):
        Checkpoint(tmp_path / "state", "key").load(torch.device("cpu"))


@pytest.mark.parametrize("read", [read_pickle, read_npz, read_matlab, load_body, read_weights, read_any])
def test_pipes_and_files_of_holes_are_not_read(tmp_path, read):
    os.mkfifo(tmp_path / "pipe.pkl")
    assert "pipe.pkl" in told(read, tmp_path / "pipe.pkl")
    (tmp_path / "holes.pkl").write_bytes(b"]")
    os.truncate(tmp_path / "holes.pkl", 1 << 42)
    assert "holes.pkl" in told(read, tmp_path / "holes.pkl")


def sparse(shape, **more):
    parts = {
        "data": np.ones(1),
        "indices": np.zeros(1, np.int32),
        "indptr": np.array([0, 1], np.int32),
        "_shape": shape,
    }
    state = pickle.dumps({**parts, **more}, 2)[2:-1]
    return global_("scipy.sparse.csc", "csc_matrix") + b")\x81" + state.replace(b"q", b"q") + b"b"


@pytest.mark.parametrize(
    "matrix",
    [
        sparse((10**9, 1)), sparse((2**62, 2**62)), sparse((-1, 1)), sparse((1,)), sparse(None), sparse("ab"),
        sparse((2, 1), indices=np.array([5], np.int32)), sparse((2, 1), indptr=np.array([0, 10**6], np.int32)),
        sparse((2, 1), data=[[1]]), sparse((2, 1), data=np.array(["a"])), sparse((2, 1), indices=np.array([{}], object)),
    ],
)  # fmt: skip
def test_harmful_sparse_matrices_are_refused(tmp_path, matrix):
    arrays = pickle.dumps({key: value for key, value in smpl_arrays().items() if key != "J_regressor"}, 2)[:-1]
    (tmp_path / "a.pkl").write_bytes(arrays + b"X\x0b\x00\x00\x00J_regressor" + matrix + b"s.")
    assert "damaged sparse matrix J_regressor" in told(load_body, tmp_path / "a.pkl")


@pytest.mark.parametrize("value", [[[1.0], ["a" * 100]], [1.0, {}], [np.zeros(1 << 20, bool)] * 100, [None]])
def test_lists_that_would_become_large_arrays_are_no_part_of_a_body(tmp_path, value):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({**smpl_arrays(), "weights": value}))
    assert "no numeric array weights" in told(load_body, tmp_path / "a.pkl")


def matrix_of(count, kind=2, parts=b""):
    content = struct.pack("<IIIIIIII", 6, 8, 9, 0, 5, 8, 1, count) + struct.pack("<II", 1, 0)
    content += parts or struct.pack("<II", kind, count) + bytes(count)
    return struct.pack("<II", 14, len(content)) + content


def test_matrices_do_not_add_up_to_all_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("understudy.importers.matlab.MOST_BYTES", 1 << 24)

    def file(*elements):
        packed = [zlib.compress(element, 9) for element in elements]
        return bytes(126) + b"IM" + b"".join(struct.pack("<II", 15, len(one)) + one for one in packed)

    for content in (file(*[matrix_of(1 << 23)] * 2), file(matrix_of(3 << 20)),
                    file(matrix_of(1, parts=bytes(1 << 23)))):  # fmt: skip
        (tmp_path / "a.mat").write_bytes(content)
        assert "a.mat is not a MATLAB 5 file" in told(read_matlab, tmp_path / "a.mat")


def test_small_files_do_not_unpack_to_all_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("understudy.files.safe_arrays.SPARE_UNPACKED", 1 << 22)
    for data in (zlib.compress(bytes(1 << 26)), lzma.compress(bytes(1 << 26), preset=0)):
        (tmp_path / "a.pkl").write_bytes(data)
        assert "unpacks to more than" in told(read_pickle, tmp_path / "a.pkl")
    greedy = bytearray(lzma.compress(pickle.dumps(1), lzma.FORMAT_ALONE))
    greedy[1:5] = struct.pack("<I", 3 << 30)  # of its dictionary
    (tmp_path / "a.pkl").write_bytes(greedy)
    assert "a.pkl is damaged" in told(read_pickle, tmp_path / "a.pkl")


@pytest.mark.parametrize("program", [b"]", b"(", b"N\x94", b"N", b"\x8c\x02ab", b"N\x85"])
def test_small_objects_are_counted(tmp_path, monkeypatch, program):
    for name, value in {"SPARE": 1 << 20, "SPARE_STEPS": 50_000, "SPARE_MEMOS": 10_000}.items():
        monkeypatch.setattr(f"understudy.files.pickle_ledger.{name}", value)
    (tmp_path / "a.pkl").write_bytes(zlib.compress(b"\x80\x04" + program * (1 << 20) + b".", 9))
    message = told(read_pickle, tmp_path / "a.pkl")
    assert any(reason in message for reason in ("than its size warrants", "than what it holds needs", "levels deep"))


def test_harmful_zip_files_are_refused(tmp_path):
    def refused(reason, path=tmp_path / "a.npz"):
        assert reason in told(read_npz, path)
        assert reason in told(read_any, path)

    array = npy(np.zeros(1 << 16))
    for kind in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        with zipfile.ZipFile(tmp_path / "a.npz", "w", kind) as archive:
            archive.writestr("x.npy", array)
        refused("compressed in an unusual way")
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("x.npy", array)
        for number in range(50):
            twin = zipfile.ZipInfo(f"y{number}.npy")
            for name in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(twin, name, getattr(archive.filelist[0], name))
            archive.filelist.append(twin)
    refused("share their bytes")
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("x.npy", array)
        archive.filelist[0].file_size = 1 << 31
    refused("says more than it holds")
    for header in ({"shape": (10**9, 0)}, {"shape": (10**9,), "descr": "<U0"}, {"shape": (2**70, 0)}):
        with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.npy", npy(np.zeros(0), **header))
        assert "a.npz" in told(read_npz, tmp_path / "a.npz") and "a.npz" in told(read_any, tmp_path / "a.npz")


def test_a_zip_file_of_very_many_members_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("understudy.files.arrays.MOST_MEMBERS", 100)
    for count, length in ((101, 4), (50, 1000)):
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            for number in range(count):
                archive.writestr(f"{number:0{length}d}.txt", b"")
        with pytest.raises(InputError, match="members"):
            read_npz(tmp_path / "a.npz")


def test_deep_but_honest_pickles_are_read(tmp_path):
    content = 1.5
    for level in range(60):
        content = [{"a": (content, level), (level, "b"): frozenset((1, "c"))}]
    shared = np.arange(3.0)
    whole = {
        "deep": content,
        "shared": [shared] * 1000,
        "big": -(1 << 100),
        2.5: None,
        True: {1},
    }
    for protocol in (4, 5):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(whole, protocol))
        read = read_pickle(tmp_path / "a.pkl")
        assert read["deep"] == content and len(read["shared"]) == 1000 and read["shared"][999].tolist() == [0, 1, 2]
        assert read["big"] == -(1 << 100) and read[2.5] is None and read[True] == {1}
