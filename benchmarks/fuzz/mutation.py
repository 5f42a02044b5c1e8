"""Valid files made invalid: in their bytes, their numbers, or in the structure inside of zip, tar, npy and JSON."""

import io
import json
import re
import tarfile
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

NUMBERS = (0, 1, -1, 2**7, 2**8 - 1, 2**15, 2**16, 2**31 - 1, -(2**31), 2**32 - 1, 2**40, 2**63 - 1, -(2**63), 10**30)
WORDS = (b"nan", b"inf", b"-1", b"0", b"1e308", b"1e-320", b"999999999999", b"0x7f", b"", b"null", b"{}", b"\x00", b"-")
VALUES: tuple[Any, ...] = (
    None, True, "", "x", [], {}, [[]], [None], {"a": 1}, -1, 0, 1.5, 1e308, float("nan"), float("inf"), 10**18, 10**400,
    "1" * 5000, [[[[0]]]], [1, "a"], "../../etc/passwd", "<script>alert(1)</script>",
)  # fmt: skip


def mutated(data: bytes, random: Random) -> bytes:
    """The file's content with one to four things wrong."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = _mutated(data, random)
    return data


def _mutated(data: bytes, random: Random) -> bytes:
    inside: list[Callable[[bytes, Random], bytes]] = [_bytes]
    try:
        if data[:4] == b"PK\x03\x04":
            inside += [_zip] * 6
        elif data[:6] == b"\x93NUMPY":
            inside += [_npy] * 4
        elif data[257:262] == b"ustar":
            inside += [_tar] * 6
        elif data[:1] in b"{[" and data.strip()[-1:] in (b"}", b"]"):
            inside += [_json] * 5
        elif len(data) > 16 and data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data):
            inside += [_safetensors] * 4
        if sum(byte in b"\n\r\t" or 32 <= byte < 127 for byte in data[:2000]) > 0.95 * min(len(data), 2000):
            inside += [_words] * 2
        return random.choice(inside)(data, random)
    except Exception:  # what was mutated before has no structure any more
        return _bytes(data, random)


def _bytes(data: bytes, random: Random) -> bytes:
    result = bytearray(data)
    if not result:
        return random.randbytes(random.randrange(1, 64))
    place = random.randrange(len(result)) if random.random() < 0.5 else random.randrange(min(len(result), 256))
    length = min(len(result) - place, random.choice((1, 2, 4, 8, 64, 1000)))
    kind = random.randrange(7)
    if kind == 0:
        result[place] ^= 1 << random.randrange(8)
    elif kind == 1:
        del result[place : place + length]
    elif kind == 2:
        result[place:place] = result[place : place + length] * random.choice((1, 2, 50))
    elif kind == 3:
        del result[place:]
    elif kind == 4:
        size = random.choice((1, 2, 4, 8))
        number = random.choice(NUMBERS) % (1 << 8 * size)
        result[place : place + size] = number.to_bytes(size, random.choice(("little", "big")))
    elif kind == 5:
        result[place : place + length] = random.randbytes(length)
    else:
        result[place:place] = random.choice(WORDS)
    return bytes(result)


def _words(data: bytes, random: Random) -> bytes:
    """A word, mostly a number, for another; or a run of words many times."""
    words = list(re.finditer(rb"[^\s,:\[\]{}]+", data))
    if not words:
        return _bytes(data, random)
    word = random.choice(words)
    if random.random() < 0.2:
        new = data[word.start() : word.start() + random.randrange(200)] * random.choice((2, 100))
    else:
        new = random.choice((*WORDS, str(random.choice(NUMBERS)).encode(), random.choice(words)[0]))
    return data[: word.start()] + new + data[word.end() :]


def _zip(data: bytes, random: Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, content in _members(members, random):
            archive.writestr(name, content)
    return result.getvalue()


def _tar(data: bytes, random: Random) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = [(info.name, archive.extractfile(info).read()) for info in archive if info.isreg()]  # type: ignore[union-attr]
    result = io.BytesIO()
    with tarfile.open(
        fileobj=result, mode="w", format=random.choice((tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT))
    ) as archive:
        for name, content in _members(members, random):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if random.random() < 0.03:
                info.type = random.choice((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE))
                info.linkname = "/etc/passwd"
            archive.addfile(info, io.BytesIO(content))
    return result.getvalue()


def _members(members: list[tuple[str, bytes]], random: Random) -> list[tuple[str, bytes]]:
    """One of them mutated, exchanged for another's content, renamed, or left out."""
    place, kind = random.randrange(len(members)), random.randrange(12)
    name, content = members[place]
    if kind == 0:
        return members[:place] + members[place + 1 :]
    if kind == 1:
        members[place] = (random.choice(("../x.npy", "/x.npy", "x.npy", name + "x", name.upper())), content)
    elif kind == 2:
        members[place] = (name, random.choice(members)[1])
    else:
        members[place] = (name, _mutated(content, random))
    return members


def _npy(data: bytes, random: Random) -> bytes:
    """The array in another shape, type or with other numbers; or with a header that is not true."""
    if random.random() < 0.3:
        shape = random.choice(("(1000000000000,)", "(-1,)", "(3,)", "()", "(0,)", "(2, 2, 2)", "((((", "(1, 1e9)"))
        descr = random.choice(("'<f8'", "'|O'", "'<U99999999'", "'<M8[s]'", "[('a', '<f4')]", "'<c16'", "'|V8'"))
        header = data[10 : 10 + int.from_bytes(data[8:10], "little")].decode("latin1")
        changed = random.choice((
            re.sub(r"'shape': \([^)]*\)", f"'shape': {shape}", header), re.sub(r"'descr': '[^']*'", f"'descr': {descr}", header),
        ))  # fmt: skip
        text = changed.encode("latin1").ljust(len(header))
        return data[:8] + len(text).to_bytes(2, "little") + text + data[10 + len(header) :]
    array = np.load(io.BytesIO(data), allow_pickle=False)
    kind = random.randrange(6)
    if kind == 0 and array.size:
        flat = array.copy().reshape(-1)
        value = random.choice((0, -1, 1, 10**6, 2**31 - 1, float("nan"), float("inf"), 1e30))
        with np.errstate(all="ignore"):
            flat[random.randrange(flat.size) :: random.choice((1, 7, flat.size))] = np.array(value).astype(array.dtype)
        array = flat.reshape(array.shape)
    elif kind == 1:
        array = array.reshape(-1)
    elif kind == 2:
        array = array[None]
    elif kind == 3 and array.ndim:
        array = array[: random.choice((0, 1, len(array) // 2, len(array) - 1))]
    elif kind == 4:
        array = array.astype(random.choice(("f2", "f8", "i1", "u1", "?", "c8", "U3", "S3", ">f4", "i8")))
    elif array.ndim > 1:
        array = np.swapaxes(array, 0, -1)
    result = io.BytesIO()
    np.save(result, array, allow_pickle=False)
    return result.getvalue()


def _json(data: bytes, random: Random) -> bytes:
    """A value for another, left out, or deeper than anybody goes."""
    root = [json.loads(data)]
    holder: Any = root
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = random.choice(keys)
        if not isinstance(holder[key], (dict, list)) or not holder[key] or random.random() < 0.15:
            break
        holder = holder[key]
    kind = random.randrange(5)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = [holder[key]]
    elif kind == 2 and random.random() < 0.1:
        return json.dumps(root[0] if root else None).encode().replace(b"0", b"[" * 100_000, 1)
    else:
        holder[key] = random.choice(VALUES)
    return json.dumps(root[0] if root else None).encode()


def _safetensors(data: bytes, random: Random) -> bytes:
    size = int.from_bytes(data[:8], "little")
    header = mutated(data[8 : 8 + size], random)
    claimed = random.choice(NUMBERS) % 2**64 if random.random() < 0.1 else len(header)
    return claimed.to_bytes(8, "little") + header + data[8 + size :]
