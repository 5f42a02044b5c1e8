"""Readers of other programs' results: trackings, cameras, masks and poses, as the user has them already.

One module a program or kind of file; ``registry`` tells them apart by what a folder holds; ``possible`` says which
numbers are possible; ``place`` and ``transfer`` bring what was read onto the chosen frames and onto our body.

Contract: a reader gives a ``Tracking`` with a real camera or a named convention, rotations as matrices, and what it
could not know left out; conventions are converted here and nowhere else.

No network is run here (``backends``), and nothing is written for other programs (``layouts``).
"""
