"""Values that change slowly over the body's surface: learned at a few nodes, shared out to what lies between them."""

import numpy as np
from scipy.spatial import cKDTree

NODES = 400
"""About 7 cm apart on an adult."""
NEAREST = 4
"""Nodes whose values a place mixes."""
TURN = 0.05
"""Distance, m, that two opposite normals count as apart: nodes on one thigh say nothing of the other's inside."""


def node_shares(
    points: np.ndarray,  # [V,3] m
    normals: np.ndarray,  # [V,3] unit length
    places: np.ndarray,  # [N,3] m
    place_normals: np.ndarray,  # [N,3] unit length
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes among the points of a surface, and how places on it mix their values: indices [N,4] and shares [N,4].

    Nodes are points far from each other; rows of the shares sum to one and change continuously over the surface.
    Source of the shares: Sumner et al., Embedded Deformation (SIGGRAPH 2007), section 3.
    """
    features = np.concatenate([points, TURN * normals], axis=1).astype(np.float64)
    nodes = features[_far_apart(features, min(NODES, len(features)))]
    distances, near = cKDTree(nodes).query(np.concatenate([places, TURN * place_normals], axis=1), NEAREST + 1)
    shares = (1.0 - distances[:, :-1] / distances[:, -1:].clip(1e-9)) ** 2 + 1e-9
    return near[:, :-1], (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def _far_apart(features: np.ndarray, count: int) -> np.ndarray:
    """Indices [count] of rows [V,D], each the farthest from those before it."""
    chosen = np.zeros(count, np.int64)
    distance = np.full(len(features), np.inf)
    for number in range(1, count):
        distance = np.minimum(distance, ((features - features[chosen[number - 1]]) ** 2).sum(axis=1))
        chosen[number] = distance.argmax()
    return chosen
