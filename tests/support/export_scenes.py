"""A small person in clothes with what its exports are made of, for tests."""

import gzip
import io
import json
import struct
from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.support.avatar_scenes import plain_canonical, truth_avatar, turning_track
from tests.support.bodies import sausage_body
from understudy.avatar.archive import AvatarArchive
from understudy.export import outline, texture
from understudy.export.splats import SH_C0, Splats
from understudy.export.surface import avatar_surface

LENGTH = 5
THICKER = 0.015
RELIEF = np.full((16, 16, 3), (128, 128, 255), np.uint8)
TEXTURE = np.arange(32 * 32 * 3, dtype=np.uint32).reshape(32, 32, 3).astype(np.uint8)


@pytest.fixture(scope="module", autouse=True)
def small_pictures():
    """The person is looked at in small pictures, to save time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texture, "HEIGHT", 400)
        patch.setattr(outline, "HEIGHT", 500)
        yield


@cache
def archive(thicker=THICKER):
    """A person in clothes: the Gaussians lie ``thicker`` m outside of the body."""
    body = sausage_body(posedirs=True)
    avatar = truth_avatar(body, count=9000)
    avatar.offsets[:, 2] = thicker
    avatar.log_scales -= 0.3
    K = np.array([[200.0, 0.0, 45.0], [0.0, 200.0, 80.0], [0.0, 0.0, 1.0]])
    canonical = plain_canonical(body)
    return AvatarArchive(
        avatar, turning_track(LENGTH, body, K), np.ones((LENGTH, 3), np.float32), (), 25.0, 90, 160,
        canonical.texture, canonical.texture_seen,
        {"licences": ["footage: mine"], "source": {"name": "anna.mp4"}},
    )  # fmt: skip


@cache
def surface():
    return avatar_surface(archive().avatar)


def some_splats(count=50, seed=0):
    rng = np.random.default_rng(seed)
    quats = rng.normal(size=(count, 4))
    parts = (
        rng.normal(size=(count, 3)), quats / np.linalg.norm(quats, axis=1, keepdims=True),
        np.exp(rng.uniform(-7, -3, (count, 3))), rng.uniform(0.01, 0.99, count), rng.uniform(0, 1, (count, 3)),
    )  # fmt: skip
    return Splats(*(part.astype(np.float32) for part in parts))


def covariances(quats_wxyz, scales):
    axes = Rotation.from_quat(np.roll(quats_wxyz, -1, axis=1)).as_matrix() * scales[:, None, :]
    return axes @ axes.transpose(0, 2, 1)


# surface


def read_spz(data):
    """A reader of version 3 written from its description."""
    raw = gzip.decompress(data)
    magic, version, count, degree, bits, flags, reserved = struct.unpack("<IIIBBBB", raw[:16])
    assert (magic, version, degree, flags, reserved) == (0x5053474E, 3, 0, 0, 0)
    stream = io.BytesIO(raw[16:])

    def take(per_splat):
        return np.frombuffer(stream.read(count * per_splat), np.uint8).reshape(count, per_splat).astype(np.int64)

    b = take(9).reshape(count, 3, 3)
    places = b[..., 0] | b[..., 1] << 8 | b[..., 2] << 16
    places = np.where(places >= 1 << 23, places - (1 << 24), places) / 2**bits
    alpha, color, scale = take(1)[:, 0] / 255, take(3) / 255, take(3)
    b = take(4)
    assert stream.read() == b""
    words = b[:, 0] | b[:, 1] << 8 | b[:, 2] << 16 | b[:, 3] << 24
    quats = np.zeros((count, 4))
    for row, word in enumerate(words):
        largest = word >> 30
        rest = [i for i in range(4) if i != largest]
        for place, component in enumerate(rest):
            part = word >> (10 * (2 - place)) & 1023
            quats[row, component] = (part & 511) / 511 / np.sqrt(2) * (-1 if part & 512 else 1)
        quats[row, largest] = np.sqrt(1 - np.square(quats[row]).sum())
    return places, alpha, 0.5 + SH_C0 * (color - 0.5) / 0.15, np.exp(scale / 16 - 10), np.roll(quats, 1, axis=1)


def parts_of(path):
    """JSON and buffer of a GLB."""
    data = path.read_bytes()
    magic, version, length = struct.unpack("<III", data[:12])
    assert (magic, version, length) == (0x46546C67, 2, len(data))
    size, kind = struct.unpack("<II", data[12:20])
    assert kind == 0x4E4F534A and size % 4 == 0
    rest, kind = struct.unpack("<II", data[20 + size : 28 + size])
    assert kind == 0x004E4942 and len(data) == 28 + size + rest
    return json.loads(data[20 : 20 + size]), data[28 + size :]
