"""The method ``gaussians``: 3D Gaussians on the body's surface, each fixed to a face and skinned with it.

Here belongs the model, what it learns beyond skinning (blend weights, residual, light), its learner with regularizers and
pruning, and the tables of what its archive may say.

Contract: ``method.GaussiansMethod`` is a ``base.Method``; its avatars are ``splats.SplatAvatar``.

The training loop, poses, the archive and the evaluation are not here: they know the contract alone.
"""
