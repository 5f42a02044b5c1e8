"""NTC's layout (Neural Capture): ``camera.mat``, ``rgb``, ``mask``, ``param`` and ``obj``."""

from pathlib import Path

import numpy as np
import scipy.io

from understudy.layouts.meshes import write_mesh
from understudy.layouts.pictures import write_png
from understudy.layouts.recording import Recording
from understudy.progress import track as show_progress


def write_ntc(recording: Recording, folder: Path) -> None:
    """Write the layout into a folder that is there.

    Pixel centres are at +0.5 as ours; masks are 0 and 1, since the program cuts shades to 1; files are numbered from 0,
    and the frames of ``train_frames.txt`` and ``test_frames.txt`` from 1.
    """
    scipy.io.savemat(str(folder / "camera.mat"), {"camK": recording.track.K, "c2w": np.eye(4)})
    for name in ("param", "obj"):
        (folder / name).mkdir()
    track, (betas, _, transl) = recording.track, recording.for_smpl()
    for frame in show_progress(range(len(recording)), "writing NTC's files"):
        write_png(folder / f"rgb/rgb_frame_{frame}.png", recording.frames.read(frame))
        write_png(folder / f"mask/mask_frame_{frame}.png", (recording.alpha(frame) >= 128).astype(np.uint8))
        results = {
            "betas": betas,
            "pose": np.concatenate([track.global_orient[frame], track.body_pose[frame]]),
            "trans": transl[frame],
        }
        np.savez(folder / f"param/smpl_frame_{frame}.npz", results=np.array(results, dtype=object))
        write_mesh(folder / f"obj/smpl_frame_{frame}.obj", recording.vertices(frame), recording.body.faces)
    if recording.held_out:
        held_out = set(recording.held_out)
        kept = [frame for frame in range(len(recording)) if frame not in held_out]
        for name, numbers in (("train", kept), ("test", sorted(held_out))):
            np.savetxt(folder / f"{name}_frames.txt", np.array(numbers) + 1, "%d")
