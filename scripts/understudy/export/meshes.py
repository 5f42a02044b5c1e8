"""The mesh in one pose: ``.obj`` with its texture, and ``.ply`` with a colour at each vertex."""

from pathlib import Path

import numpy as np

from understudy.body.model import BodyModel
from understudy.export.texture import picture_file
from understudy.files.atomic import atomic_write
from understudy.render.mesh import vertex_normals


def write_obj(
    path: str | Path, vertices: np.ndarray, body: BodyModel, texture: np.ndarray, relief: np.ndarray
) -> list[Path]:
    """Write the mesh ``vertices`` [V,3] of a body's topology with its texture [S,S,3] and normal map [R,R,3], both uint8.

    Returns:
        The files: ``path``, and beside it the material (``.mtl``), the texture (``.jpg``) and the normal map
        (``_normal.jpg``).
    """
    path = Path(path)
    material, picture = path.with_suffix(".mtl"), path.with_suffix(".jpg")
    bumps = path.with_name(f"{path.stem}_normal.jpg")
    normals = vertex_normals(vertices, body.faces)
    faces, ft = body.faces + 1, body.ft + 1
    with atomic_write(path) as temporary, open(temporary, "w", encoding="ascii") as file:
        file.write(f"mtllib {material.name}\nusemtl person\no person\n")
        np.savetxt(file, vertices, "v %.6f %.6f %.6f")
        np.savetxt(file, body.vt, "vt %.6f %.6f")
        np.savetxt(file, normals, "vn %.4f %.4f %.4f")
        corners = np.stack([faces, ft, faces], axis=2).reshape(len(faces), 9)
        np.savetxt(file, corners, "f %d/%d/%d %d/%d/%d %d/%d/%d")
    with atomic_write(material) as temporary:
        # Blender and others take map_Bump for a normal map, newer programs norm
        maps = f"map_Kd {picture.name}\nmap_Bump {bumps.name}\nnorm {bumps.name}\n"
        temporary.write_text(f"newmtl person\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\n{maps}", "ascii")
    for place, image in ((picture, texture), (bumps, relief)):
        with atomic_write(place) as temporary:
            temporary.write_bytes(picture_file(image))
    return [path, material, picture, bumps]


def vertex_colors(body: BodyModel, texture: np.ndarray) -> np.ndarray:
    """Colour [V,3] uint8 of each vertex in a texture [S,S,3] uint8; of a vertex on a seam that of any one of its places."""
    side = len(texture)
    place = np.zeros(len(body.v_template), np.int64)
    place[body.faces] = body.ft
    u, v = np.clip(body.vt[place], 0.0, 1.0 - 1e-6).T
    return texture[((1.0 - v) * side).astype(int).clip(0, side - 1), (u * side).astype(int)]


def write_mesh_ply(path: str | Path, vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray) -> None:
    """Write a mesh of ``vertices`` [V,3] and ``faces`` [F,3], each vertex with its normal and its colour [V,3] uint8."""
    table = np.empty(len(vertices), [("place", "<f4", 3), ("normal", "<f4", 3), ("color", "u1", 3)])
    table["place"], table["normal"], table["color"] = vertices, vertex_normals(vertices, faces), colors
    triangles = np.empty(len(faces), [("count", "u1"), ("corners", "<i4", 3)])
    triangles["count"], triangles["corners"] = 3, faces
    floats = [f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz")]
    bytes_ = [f"property uchar {name}" for name in ("red", "green", "blue")]
    header = [
        "ply", "format binary_little_endian 1.0", f"element vertex {len(table)}", *floats, *bytes_,
        f"element face {len(triangles)}", "property list uchar int vertex_indices", "end_header\n",
    ]  # fmt: skip
    with atomic_write(path) as temporary:
        temporary.write_bytes("\n".join(header).encode("ascii") + table.tobytes() + triangles.tobytes())
