"""Made-up figures for reports."""


def metrics(fitted=28.04, refined=29.17, familiar=30.26):
    def figures(psnr):
        return {
            "psnr_person_box_on_white": {"mean": psnr, "per_frame": [psnr - 1, psnr + 1]},
            "alpha_iou": {"mean": 0.99606},
        }

    def parts(psnr):
        unseen = {"mean": None, "per_frame": [None, None], "pixels": [0, 4]}
        return {"head": {"mean": psnr, "per_frame": [psnr, psnr], "pixels": [900, 1100]}, "hands": unseen}

    return {
        "parts": {"without_pose_refinement": parts(fitted), "with_pose_refinement": parts(refined)},
        "held_out_frames": [4, 12],
        "without_pose_refinement": figures(fitted),
        "with_pose_refinement": figures(refined),
        "reconstruction": figures(familiar),
    }  # fmt: skip
