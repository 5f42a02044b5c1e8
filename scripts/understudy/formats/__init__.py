"""The files that stages hand over, one module a file (docs/formats.md): the only interface between stages.

Here belongs the one reader and writer of each: ``frames.json``, ``keypoints.npz``, ``alpha/`` and the other masks,
``smpl.npz``, ``canonical.npz``, ``metrics.json``; the 2D skeleton that all keypoints use; ``tracks``, which links detections
over time; and ``placed``, which brings whole pictures to cropped frames.

Contract: one dataclass a file with ``save`` and ``load``; ``load`` checks shapes and ranges by a table and raises
``InputError``, so that what comes out of here is possible. Units are metres, seconds and radians; camera axes are
OpenCV's.

Other programs' formats are read in ``importers`` and written in ``layouts`` and ``export``. How a stage makes its
file is that stage's business.
"""
