"""Stage ``canonical``: the person's surface in rest pose with the texture that the video shows, ``canonical.npz``.

Here belongs colouring the body's texture from all frames, by who sees which of its texels how well (``textures``),
and colours for those that nobody sees (``fill``).

Contract: everything in the body's rest frame, metres, y up; texels that no frame showed are marked.

The avatar that is learned on this is in ``avatar``.
"""
