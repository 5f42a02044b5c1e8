"""Stage ``baking``: Gaussians that look like an avatar of any method, for all that is made of Gaussians.

Here belongs which poses and sides of the avatar are drawn, where Gaussians begin, and how they are distilled from the
pictures by the method ``gaussians``' own learner.

Contract: ``bake.bake_gaussians`` knows of the source no more than ``base`` says, draws each picture of it once, and gives
an archive with the source's poses, exposures and held-out frames.

What a Gaussian is, and how it is learned, is the method's own.
"""
