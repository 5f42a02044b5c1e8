"""Everything that shows an avatar in a video: camera paths, motions, backdrops, shadows, re-enactment.

Here belongs where the camera stands (``paths``, ``cameras``), what is behind the person (``backdrop``, ``footage``),
the ground and its shadow (``stage``, ``shadow``), and writing pictures or a video (``write``).

Contract: pictures are made one at a time; a picture is uint8 sRGB, or 16-bit depth where asked for.

How Gaussians become pixels is in ``render``.
"""
