"""A page with the avatar in it: one file, which a browser plays without a server, other files or the internet."""

import base64
import html
import json
import logging
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from understudy.avatar.archive import AvatarArchive
from understudy.avatar.splats import SplatAvatar, need_splats
from understudy.body.lbs import pose_rotations
from understudy.errors import InputError
from understudy.files.atomic import atomic_write
from understudy.files.records import check_recorded
from understudy.motion.read import SOURCE_MOTION
from understudy.rendering.performance import Performance
from understudy.viewer.acts import Scene, scene, sources
from understudy.viewer.config import ViewerConfig
from understudy.viewer.correctives import correctives

logger = logging.getLogger(__name__)

LABELS = {SOURCE_MOTION: "as in the video"}
"""What the page calls motions that are no file."""
PROGRAM = ("math.js", "figure.js", "splats.js", "orbit.js", "main.js")
"""Files of its program, in this order."""
BONES = 8
"""Joints of a Gaussian: with fewer, some near the waist and the shoulders would be centimetres off."""
ALIGNED = 4
"""Arrays begin at multiples of so many bytes."""


def write_page(
    path: str | Path,
    archive: AvatarArchive,
    config: ViewerConfig,
    motions: Sequence[str | Path] = (),
    title: str | None = None,
) -> None:
    """Write a page with the avatar in it: one file, which a browser plays without a server or the internet.

    Args:
        path: The file, ``.html``.
        archive: The avatar; it must be made of Gaussians.
        config: What is played.
        motions: Files of those that :func:`read_motion` knows; the first one plays at the start.
        title: Name of the person; None for that of the video.

    Raises:
        InputError: A motion cannot be read, the avatar's method has no Gaussians, ``path`` does not end in .html, or a file of
            somebody else's would be lost.
    """
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path} is not a name of a page; let it end in .html.")
    check_recorded([Path(path)])
    avatar = need_splats(archive.avatar, "the page")
    body = avatar.body
    if not body.free:
        logger.warning(
            "the page has joints and skin weights of %s: its licence says to whom you may give it", body.name
        )
    named = sources(motions, config)
    data = page_data(avatar, [scene(archive, name, source, config) for name, source in named.items()])
    if avatar.beyond_skinning is not None:
        option = f"{avatar.method}.{avatar.beyond_skinning}"
        logger.warning("the page leaves out what the pose changes beyond skinning (%s)", option)
    static = files("understudy.viewer") / "static"
    page = (static / "page.html").read_text(encoding="utf-8")
    program = "\n".join((static / name).read_text(encoding="utf-8") for name in PROGRAM)
    about = "; ".join(map(str, archive.info.get("licences", ())))
    # nothing in the data may end the script it stands in
    values = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    texts = {
        "title": html.escape(title or Path(archive.info["source"]["name"]).stem),
        "about": html.escape(about),
        "data": values,
        "program": program,
    }
    with atomic_write(path, recorded=True) as temporary:
        temporary.write_text(re.sub(r"\{\{(\w+)\}\}", lambda place: texts[place[1]], page), encoding="utf-8")


def page_data(avatar: SplatAvatar, shown: Sequence[Scene]) -> dict[str, Any]:
    """What the page's program reads: the Gaussians, the skeleton and the motions."""
    shaped = shown[0].act.shaped
    splats = avatar.skinned(shaped, BONES)
    fix = correctives(avatar, len(splats), [one.act for one in shown])
    arrays = {
        "means": _whole(splats.means, 16),
        "offsets": _whole(splats.offsets, 16),
        "quats": _whole(np.roll(splats.quats, -1, axis=1), 16, (-1.0, 1.0)),
        "normals": _whole(splats.normals, 8, (-1.0, 1.0)),
        "scales": _whole(np.log(splats.scales), 8),
        "opacities": _whole(splats.opacities[:, None], 8, (0.0, 1.0)),
        "colors": _whole(splats.colors, 8, (0.0, 1.0)),
        "sh": _whole(splats.sh, 8),
        "bones": (splats.bones, None, None),
        "weights": _whole(splats.weights, 16, (0.0, 1.0)),
        # the page's program scales them by 1/127
        "correctives": (np.rint(fix.basis.transpose(1, 2, 0) * 127).astype(np.int8), None, None),
        "joints": (shaped.joints.numpy(), None, None),
    }
    for one, bends in zip(shown, fix.bends, strict=True):
        act = one.act
        turns = pose_rotations(act.global_orient, act.body_pose).flatten(0, 1).numpy()
        arrays[f"quats {one.name}"] = _whole(Rotation.from_matrix(turns).as_quat(), 16, (-1.0, 1.0))
        arrays[f"transl {one.name}"] = (act.transl.numpy(), None, None)
        arrays[f"bends {one.name}"] = (bends.astype(np.float32), None, None)
    return {
        "packed": _packed(arrays),
        "parents": list(avatar.body.parents),
        "names": list(avatar.body.joint_names),
        "rank": len(fix.basis),
        "light": avatar.light.tolist(),
        "height": float(np.ptp(splats.means[:, 1])),
        "clips": [
            {
                "name": one.name,
                "label": LABELS.get(one.name, one.name.replace("_", " ")),
                "fps": one.fps,
                "frames": len(one.act),
                "reach": _reach(one.act),
            }
            for one in shown
        ],
    }


Numbers = tuple[np.ndarray, list[float] | None, list[float] | None]
"""Whole numbers, and the step and lowest value of each column; None where they stand for themselves."""


def _whole(values: np.ndarray, bits: int, limits: tuple[float, float] | None = None) -> Numbers:
    """Values [n,C] as unsigned whole numbers between the limits, by default each column's own."""
    columns = values.shape[1]
    low = values.min(axis=0) if limits is None else np.full(columns, limits[0])
    high = values.max(axis=0) if limits is None else np.full(columns, limits[1])
    most = 2**bits - 1
    step = np.maximum(high - low, 1e-9).astype(np.float64) / most
    numbers = np.rint((values - low) / step).clip(0, most).astype(f"<u{bits // 8}")
    return numbers, step.tolist(), low.astype(float).tolist()


def _packed(arrays: Mapping[str, Numbers]) -> dict[str, Any]:
    """All arrays in one run of bytes, and where each is."""
    table, parts, start = [], [], 0
    for name, (numbers, step, low) in arrays.items():
        data = np.ascontiguousarray(numbers).tobytes()
        data += bytes(-len(data) % ALIGNED)
        kind = numbers.dtype.str[1:]
        table.append({"name": name, "type": kind, "start": start, "count": numbers.size, "step": step, "low": low})
        parts.append(data)
        start += len(data)
    return {"arrays": table, "bytes": base64.b64encode(b"".join(parts)).decode("ascii")}


def _reach(act: Performance) -> float:
    """How far the person reaches from the pelvis to the sides, m."""
    frames, low, high = act.boxes()
    pelvis = act.pelvis()[frames]
    return float(np.maximum(high - pelvis, pelvis - low)[:, [0, 2]].max())
