"""A square before a camera: a surface on which it is plain what is seen."""

import numpy as np

SIZE = 200
"""Width and height of the picture, px."""
K = np.array([[200.0, 0.0, 100.0], [0.0, 200.0, 100.0], [0.0, 0.0, 1.0]])


def square(side: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [side*side,3] of a square of a metre about the origin, row by row, and faces that look towards -z."""
    line = np.linspace(-0.5, 0.5, side)
    vertices = np.array([[x, y, 0.0] for y in line for x in line])
    first = np.array([row * side + column for row in range(side - 1) for column in range(side - 1)])
    lower, upper = (np.add.outer(first, corners) for corners in ([0, side, side + 1], [0, side + 1, 1]))
    return vertices, np.concatenate([lower, upper])


def placed(vertices: np.ndarray, depth: float, yaw: float = 0.0) -> np.ndarray:
    """Vertices [V,3] so far away (m), turned about the vertical by ``yaw`` (rad)."""
    turn = np.array([[np.cos(yaw), 0.0, np.sin(yaw)], [0.0, 1.0, 0.0], [-np.sin(yaw), 0.0, np.cos(yaw)]])
    return vertices @ turn.T + [0.0, 0.0, depth]
