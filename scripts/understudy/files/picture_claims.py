"""What the headers of JPEG and TIFF (and so of EXIF) claim, added up where Pillow believes it."""

import re
from typing import Literal, NamedTuple

import numpy as np

MOST_SCANS = 100
"""Of a JPEG, each of which goes over the whole picture, however few bytes it has; encoders write 10 or so."""
MOST_EXIF = 64
"""Segments of EXIF in a JPEG, which are put together in a time that grows by their square; 1 is usual."""
MOST_NUMBERS = 1 << 21
"""In tags, where each becomes an object; a picture of 179 megapixels in tiles of 16x16 has 1.4 million."""
MOST_READ = 64
"""How often over the pieces of a TIFF may read the file."""

MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
SOI, EOI, SOS, APP1 = 0xD8, 0xD9, 0xDA, 0xE1
BARE = (0x01, SOI, EOI)
"""Markers without a segment."""

NUMBERS = {3: "u2", 4: "u4", 5: "u8", 8: "i2", 9: "i4", 10: "u8", 11: "f4", 12: "f8", 13: "u4", 16: "u8"}
"""Types of tags that hold numbers; of rationals, two words each, only how many there are matters here."""
SIZES = {kind: np.dtype(name).itemsize for kind, name in NUMBERS.items()}
BYTE_COUNTS, EXIF = (279, 325), 34665
"""Tags: bytes of the strips or tiles, and where the directory of EXIF is."""

FOREIGN = {
    b"%!PS": "PostScript", b"\xc5\xd0\xd3\xc6": "PostScript", b"%PDF": "PDF", b"8BPS": "a Photoshop file",
    b"\xd7\xcd\xc6\x9a": "WMF", b"\0\0\0\x0cjP": "JPEG 2000", b"\xff\x4f\xff\x51": "JPEG 2000", b"icns": "ICNS",
    b"SIMPLE": "FITS", b"\x89HDF": "HDF5", b"GRIB": "GRIB", b"v/1\x01": "OpenEXR", b"#?RADIANCE": "Radiance",
    b"<?xml": "XML", b"<svg": "SVG", b"\0\0\x01\0": "an icon", b"DDS ": "DDS", b"P3": "PPM", b"P5": "PGM", b"P6": "PPM",
    b"\x1f\x8b": "gzip", b"PK": "zip", b"\x93NUMPY": "npy",
}  # fmt: skip
"""How files of other formats begin."""
BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF"}


def foreign_format(data: bytes) -> str | None:
    """The name of a file's format where it is known by its first bytes and not a picture that is read here."""
    if data[4:8] == b"ftyp":
        return BRANDS.get(data[8:12], "a video")
    return next((name for start, name in FOREIGN.items() if data.startswith(start)), None)


def check_jpeg(data: bytes) -> None:
    """Refuse a JPEG of more scans or pieces of EXIF than any encoder writes.

    Raises:
        ValueError: It has them.
    """
    place = scans = exifs = 0
    while found := MARKER.search(data, place):
        kind, place = data[found.end() - 1], found.end()
        if kind == EOI and scans:
            return
        if kind in BARE:
            continue
        exifs += kind == APP1 and data.startswith(b"Exif", place + 2)
        scans += kind == SOS
        if scans > MOST_SCANS or exifs > MOST_EXIF:
            raise ValueError(f"a JPEG of more than {MOST_SCANS} scans or {MOST_EXIF} segments of EXIF")
        place += max(2, int.from_bytes(data[place : place + 2], "big"))


def check_tags(data: bytes) -> None:
    """Refuse a TIFF, or the like in EXIF, with tags of more numbers, or pieces of more bytes, than a picture has.

    Raises:
        ValueError: It has them.
    """
    layout = _Layout("<" if data.startswith(b"II") else ">", data[2:3] == b"+")
    exif = _check_directory(data, layout.number(data[8:16] if layout.big else data[4:8]), layout)
    if exif is not None:
        _check_directory(data, exif, layout)


class _Layout(NamedTuple):
    order: Literal["<", ">"]
    big: bool
    """BigTIFF, of words of 64 bits; Pillow knows it in this order of bytes alone."""

    def number(self, word: bytes) -> int:
        return int.from_bytes(word, "little" if self.order == "<" else "big")

    def entries(self) -> np.dtype:
        """Of a directory."""
        word = "u8" if self.big else "u4"
        fields = (("tag", "u2"), ("type", "u2"), ("count", word))
        return np.dtype([*((name, self.order + kind) for name, kind in fields), ("value", "V8" if self.big else "V4")])


def _check_directory(data: bytes, place: int, layout: _Layout) -> int | None:
    """Add up a directory of tags; the place of EXIF's, if it names one."""
    head = 8 if layout.big else 2
    length, entries = layout.number(data[place : place + head]), layout.entries()
    body = data[place + head :][: length * entries.itemsize]
    table = np.frombuffer(body[: len(body) // entries.itemsize * entries.itemsize], entries)
    sizes = np.array([SIZES.get(kind, 0) for kind in table["type"].tolist()])
    counts = table["count"].astype(np.float64)
    numbers = counts[
        (sizes > 0) & (counts * sizes <= len(data))
    ].sum()  # of others there is not enough, and none is read
    if numbers > MOST_NUMBERS:
        raise ValueError(f"its tags hold {numbers:.0f} numbers; {MOST_NUMBERS} are allowed")
    for entry in table[np.isin(table["tag"], BYTE_COUNTS)]:
        if np.minimum(_values(data, entry, layout), len(data)).sum() > MOST_READ * len(data):
            raise ValueError("its pieces lie upon each other")
    places = [_values(data, entry, layout) for entry in table[table["tag"] == EXIF]]
    return next((int(found[0]) for found in places if len(found) == 1 and np.isfinite(found[0])), None)


def _values(data: bytes, entry: np.void, layout: _Layout) -> np.ndarray:
    """Numbers of a tag, float64 [N]: exact up to 2^53."""
    kind = np.dtype(layout.order + NUMBERS.get(int(entry["type"]), "V1"))
    if kind.kind == "V":
        return np.zeros(0)
    raw, size = entry["value"].tobytes(), int(entry["count"]) * kind.itemsize
    if size > len(raw):
        place = layout.number(raw)
        raw = data[place : place + size]
    return np.frombuffer(raw[: min(size, len(raw)) // kind.itemsize * kind.itemsize], kind).astype(np.float64)
