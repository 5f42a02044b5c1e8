"""Light that falls on the person from all sides: how bright a surface is by where it faces."""

import torch
from torch import Tensor

TERMS = 8
"""Spherical harmonics of the first and second degree; the mean, of degree zero, is in the colours themselves."""


def harmonics(normals: Tensor) -> Tensor:
    """The real spherical harmonics of degrees one and two [N,8] in unit directions [N,3], each of mean square one."""
    x, y, z = normals.unbind(dim=-1)
    first = torch.stack([x, y, z], dim=-1) * 3.0**0.5
    products = torch.stack([x * y, y * z, z * x, 0.5 * (x * x - y * y)], dim=-1) * 15.0**0.5
    last = (0.5 * 5.0**0.5) * (3.0 * z * z - 1.0)
    return torch.cat([first, products, last[..., None]], dim=-1)


def shading(normals: Tensor, light: Tensor) -> Tensor:
    """Factors [N,3] on the colours of surfaces that face ``normals`` [N,3], for the light [8,3].

    The logarithm of the factor is a function of degree two of the direction: diffuse reflection passes no more of any
    surrounding light than that, but for a hundredth, and a factor of sRGB values cannot be negative.

    Source: Ramamoorthi and Hanrahan, An Efficient Representation for Irradiance Environment Maps (SIGGRAPH 2001), section 3.
    """
    return (harmonics(normals) @ light).exp()
