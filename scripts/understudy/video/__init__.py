"""Videos and folders of images: which frames are kept, and their pixels in sRGB.

Here belongs decoding (``clip``, ``images``), choosing frames by time (``timing``, ``decode``) and the part of them
that is kept (``crop``), colour (``colour``), the camera as far as a header tells it (``intrinsics``, ``camera``), and
encoding (``write``, ``write_clear``, ``encode``).

Contract: pictures are uint8 sRGB [H,W,3], upright, one at a time; no video is ever held in memory as a whole, and no
file but the one that was named is opened.

What is seen in the pictures is the business of ``backends``, ``keypoints`` and ``silhouettes``.
"""
