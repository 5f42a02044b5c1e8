"""Stage ``matting``: the person's opacity at full resolution, and where it is unknown, ``matte/`` and ``trimap/``.

Here belongs each pixel's evidence (colours of the person and of the surroundings over the whole video, the empty
scene, the coarse mask, the fitted body), its settling with its neighbours (``band``), and agreement over time
(``coherence``).

Contract: reads frames, coarse masks and the fitted body; writes opacity 0..255 and a trimap of the frames' size.

Colour models (``colours``, ``appearance``) are shared with ``parsing``, which stands above this room.
"""
