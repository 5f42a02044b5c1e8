"""Stage ``keypoints``: 2D points of the one person a video is about, ``keypoints.npz``.

Here belongs choosing the person among the tracks, and making points steady over time (gaps, swapped sides, outliers).

Contract: reads ``frames/`` and ``frames.json``, asks a backend for each picture, writes points in pixels of the
frames with confidences in 0..1; a point that was filled in says so.

Detectors are in ``backends``; linking detections over time is in ``formats.tracks``, since masks need it too.
"""
