"""Images over a body's UV layout: what a texel shows of the surface, and what a picture shows of a texel.

Here belongs the atlas of texels (``atlas``), who sees which of them how well (``views``), and maps of a single frame
(``maps``): its partial texture and the normals of the posed surface.

Contract: row 0 is v = 1, texel centres at +0.5; nothing is invented for texels that no picture shows.

The texture of a whole video, and colours for what it does not show, are made in ``canonical``.
"""
