"""Stage ``silhouettes``: a coarse, soft mask of the tracked person in each frame, ``alpha/``.

Here belongs asking a backend for masks around the person, averaging its looks, and keeping the pieces (``blobs``)
that belong to the person.

Contract: reads frames and keypoints, writes opacity 0..255 of the frames' size.

Edges as fine as hair are made by ``matting``, when the body is known.
"""
