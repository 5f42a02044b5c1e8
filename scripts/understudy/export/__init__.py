"""The avatar in formats of other programs: GLB, VRM, PLY, SPZ, OBJ.

Here belongs the surface that a mesh needs (``surface``, ``relief``, ``cubes``), its texture, rig and clips
(``rigged``, ``stance``), and one writer a format.

Contract: metres, y up, rest pose as the format wants it; files are written together or not at all, and replace only
earlier exports.

Whole recordings for other research programs are in ``layouts``.
"""
