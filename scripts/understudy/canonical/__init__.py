"""Stage ``canonical``: the person's surface in rest pose: texture, skin weights in a volume, UV, ``canonical.npz``.

Here belongs colouring the body's texture from all frames (``views``, ``atlas``, ``fill``), and the volume of blend
weights and distances (``volume``, ``nearest``).

Contract: everything in the body's rest frame, metres, y up; texels that no frame showed are marked.

The avatar that is learned on this is in ``avatar``.
"""
