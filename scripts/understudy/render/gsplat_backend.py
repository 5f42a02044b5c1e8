"""The CUDA side of ``rasterize``: gsplat with the settings that match the CPU kernels."""

from torch import Tensor

from understudy.errors import InputError
from understudy.render.numba_project import LOW_PASS, NEAR


def splat(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    K: Tensor,
    view: Tensor,
    size: tuple[int, int],
) -> tuple[Tensor, Tensor, Tensor]:
    """Premultiplied colours [H,W,C], alpha [H,W] and alpha-weighted sum of depths [H,W].

    Source: Ye et al., gsplat: An Open-Source Library for Gaussian Splatting (JMLR 2025).

    Raises:
        InputError: gsplat is not installed.
    """
    try:
        from gsplat import rasterization
    except ImportError:
        raise InputError(
            "Rendering on CUDA needs the package gsplat, which is not installed; "
            "install it (python -m pip install --no-deps --require-hashes -r locks/gsplat.lock) or choose device: cpu."
        ) from None
    width, height = size
    pictures, alphas, _ = rasterization(
        means=means.float(),
        quats=quats.float(),
        scales=scales.float(),
        opacities=opacities.float(),
        colors=colors.float(),
        viewmats=view[None],
        Ks=K[None],
        width=width,
        height=height,
        near_plane=float(NEAR),
        eps2d=float(LOW_PASS),
        packed=False,
        render_mode="RGB+D",
        rasterize_mode="classic",
    )
    return pictures[0, ..., :-1], alphas[0, ..., 0], pictures[0, ..., -1]
