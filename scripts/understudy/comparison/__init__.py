"""Methods of avatars side by side: avatars of one video in one table, and in the same pictures.

Here belongs what is compared (``measured``), the table of figures (``table``), the pictures that are drawn of all alike
(``pictures``) in poses that the video does not show (``poses``), and the page (``page``).

Contract: all avatars are of the same video, body and held-out frames, or none are compared; likeness is as
``metrics.json`` has it and is measured nowhere here; what is measured here is how long a picture takes and how far
poses are apart. The page is one file that opens offline.

Training and measuring an avatar are the business of ``avatar``, trusting a single one that of ``report``.
"""
