"""Other shapes of a person: taller or shorter, heavier or lighter."""

import logging
from dataclasses import replace

import torch
from torch import Tensor

from understudy.body.config import ShapeConfig
from understudy.body.model import BodyModel
from understudy.errors import InputError

logger = logging.getLogger(__name__)

DENSITY = 1000.0
"""kg/m^3, about that of people; clothes and hair are not counted."""
FAR = 4.0
"""Distance from the mean shape, in standard deviations, beyond which the body's shapes were never seen."""


def chosen_betas(body: BodyModel, own: Tensor, config: ShapeConfig) -> Tensor:
    """Shape [B] of a person ``own`` [B] changed as wished.

    Raises:
        InputError: There are more components than the body has, or the body takes no such height or weight.
    """
    betas = own.detach().cpu().double()
    if config.betas is not None:
        given = torch.tensor(config.betas, dtype=torch.float64)
        if len(given) > body.num_betas or not torch.isfinite(given).all():
            raise InputError(
                f"{len(given)} betas are given; the body {body.name} takes up to {body.num_betas} numbers."
            )
        betas = torch.cat([given, torch.zeros(body.num_betas - len(given), dtype=torch.float64)])
    if config.height is not None or config.weight is not None:
        tall = height(body, betas) if config.height is None else config.height / 100
        betas = of_measures(body, betas, tall, config.weight)
    if config != ShapeConfig():
        distance = float(betas.norm())
        say = logger.warning if distance > FAR else logger.info
        said = (height(body, betas) * 100, float(volume(body, betas)) * DENSITY, distance)
        say("shape: %.0f cm, about %.0f kg, %.1f standard deviations from the mean person", *said)
    return betas.float()


def of_measures(body: BodyModel, betas: Tensor, tall: float, weight: float | None = None) -> Tensor:
    """The shape [B] nearest to ``betas`` that is ``tall`` metres high and, where given, ``weight`` kilograms heavy.

    Components are in standard deviations, so that the nearest shape is the likeliest: who grows taller
    grows as people who are taller do. Found by Gauss-Newton steps of least length.

    Raises:
        InputError: The body's components do not lead there.
    """
    betas = betas.double()
    for _ in range(30):
        shape = betas.clone().requires_grad_(True)
        up = _vertices(body, shape)[:, 1]
        misses = [up.max() - up.min() - tall]
        if weight is not None:
            misses.append((volume(body, shape) * DENSITY - weight) / 100)
        slopes = torch.stack([torch.autograd.grad(miss, shape, retain_graph=True)[0] for miss in misses])
        miss = torch.stack([miss.detach() for miss in misses])
        if float(miss.abs().max()) < 1e-5:
            return betas
        step = torch.linalg.pinv(slopes) @ miss
        betas = betas - step * min(1.0, 2.0 / float(step.norm().clamp_min(1e-9)))
    wished = f"{tall * 100:.0f} cm" + ("" if weight is None else f" and {weight:g} kg")
    raise InputError(f"the body {body.name} has no shape of {wished}; choose a height and weight nearer to the mean.")


def height(body: BodyModel, betas: Tensor) -> float:
    """Crown to sole (m) of a shape [B] in its rest pose."""
    up = _vertices(body, betas)[:, 1]
    return float((up.max() - up.min()).detach())


def volume(body: BodyModel, betas: Tensor) -> Tensor:
    """Volume (m^3) within the surface of a shape [B]: the sum of the tetrahedra between faces and origin."""
    corners = _vertices(body, betas)[torch.from_numpy(body.faces.astype("int64"))]
    return (corners[:, 0] * torch.linalg.cross(corners[:, 1], corners[:, 2])).sum() / 6


def shaped_body(body: BodyModel, betas: Tensor) -> BodyModel:
    """The same body with ``betas`` [B] as its template, for motions to be fitted to the person's own limbs."""
    return replace(body, v_template=body.shaped(betas.detach().cpu().float())[0])


def _vertices(body: BodyModel, betas: Tensor) -> Tensor:
    """Rest vertices [V,3], in double precision."""
    return body.v_template.double() + body.shapedirs.double() @ betas.double()
