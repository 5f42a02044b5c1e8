"""Everything that shows an avatar in a video: camera paths, motions, backdrops, shadows, re-enactment.

Here belongs an avatar in a motion (``performance``), where the camera stands (``paths``, ``cameras``), what is behind the
person (``backdrop``, ``footage``), the shadow on the ground (``shadow``), what is made of these (``pictures``, ``render``,
``reenact``, ``turntable``), and writing pictures or a video (``write``).

Contract: pictures are made one at a time; a picture is uint8 sRGB, or 16-bit depth where asked for.

How Gaussians become pixels is in ``render``.
"""
