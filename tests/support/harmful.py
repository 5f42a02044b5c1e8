"""What files that mean harm are made of, and a watch over the memory, for tests."""

import io
import os
import resource
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def frugal():
    """No test may take much memory, whatever a file claims."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + (1 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


class Harm:
    """What runs when a pickle of it is loaded."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


def npy(array, **header):
    """An npy, with other things in its header than are true."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    if not header:
        return buffer.getvalue()
    content = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape} | header
    text = (repr(content) + " " * 40 + "\n").encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + array.tobytes()


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def tarred(path, members, **more):
    """A tar of members by name, with other things in their headers than are true."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in more.get(name, {}).items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return path
