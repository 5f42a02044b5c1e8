"""Stage ``fitting``: the body's pose, place and shape in every frame, from 2D points and silhouettes, ``smpl.npz``.

Here belongs the start (``initialise``, ``yaw``, ``flips``, or the pose regressor in ``regressor``), the energy
(``terms``, ``priors``, ``pose_prior``), the solver (``least_squares``, linear in the number of frames), and the
evidence of the silhouettes (``evidence``, ``outline``).

Contract: one person, a camera that stands still; poses in the camera's frame, metres; ``valid`` says which frames
were seen well enough, and the reprojection error is kept for each.

Other ways to the same file (EasyMocap, importers) are not here.
"""
