"""Binary glTF files: the container, with its accessors and buffer views.

Source: Khronos Group, glTF 2.0 Specification, sections 3.6 (accessors) and 4 (GLB).
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from understudy.files.atomic import atomic_write

COMPONENTS = {"float32": 5126, "uint32": 5125, "uint16": 5123, "uint8": 5121}
SHAPES = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (16,): "MAT4"}
VERTICES, INDICES = 34962, 34963
"""What a buffer view is for."""
MAGIC, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942


class Glb:
    """One GLB file in the making: add to ``content`` and to the buffer, then write."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = {"asset": {"version": "2.0", "generator": "Understudy"}, **content}
        self.content |= {"buffers": [], "bufferViews": [], "accessors": []}
        self._data = bytearray()

    def view(self, data: bytes, target: int | None = None) -> int:
        """Add bytes to the buffer; gives the index of their view."""
        self._data += bytes(-len(self._data) % 4)
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self._data), "byteLength": len(data)}
        self._data += data
        self.content["bufferViews"].append(view if target is None else {**view, "target": target})
        return len(self.content["bufferViews"]) - 1

    def accessor(self, values: np.ndarray, target: int | None = None, bounds: bool = False) -> int:
        """Add an array [N,...] of one of the types of glTF; gives the index of its accessor."""
        values = np.ascontiguousarray(values)
        accessor = {
            "bufferView": self.view(values.tobytes(), target),
            "componentType": COMPONENTS[values.dtype.name],
            "count": len(values),
            "type": SHAPES[values.shape[1:]],
        }
        if bounds:
            ends = values.min(axis=0), values.max(axis=0)
            accessor["min"], accessor["max"] = (np.atleast_1d(end).astype(float).tolist() for end in ends)
        self.content["accessors"].append(accessor)
        return len(self.content["accessors"]) - 1

    def write(self, path: str | Path) -> None:
        """Write the file: a header, the JSON and the buffer, each padded to four bytes."""
        data = bytes(self._data) + bytes(-len(self._data) % 4)
        self.content["buffers"] = [{"byteLength": len(data)}]
        text = json.dumps(self.content, separators=(",", ":"), allow_nan=False).encode("utf-8")
        text += b" " * (-len(text) % 4)
        head = struct.pack("<III", MAGIC, 2, 12 + 8 + len(text) + 8 + len(data))
        with atomic_write(path) as temporary:
            temporary.write_bytes(
                head
                + struct.pack("<II", len(text), JSON_CHUNK)
                + text
                + struct.pack("<II", len(data), BINARY_CHUNK)
                + data
            )
