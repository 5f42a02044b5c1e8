"""Motions from files, on our body: reading, retargeting, loops and feet on the ground.

Here belongs reading BVH, SMPL's npz and actors' own tracks (``read``), mapping skeletons of other names and axes
(``rigs``, ``retarget``), time (``clip``, ``frames``, ``loop``), and contact (``planting``, ``balance``).

Contract: a motion is joint rotations and a root path at a frame rate, metres, y up; ``clip.POSSIBLE`` bounds it.

How a motion is shown is the business of ``rendering``, ``viewer`` and ``export``.
"""
