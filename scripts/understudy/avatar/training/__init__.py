"""Training of an avatar by any method: which frame comes next, at what size, in which pose, and at what rates.

Here belongs the loop, crops of frames, corrected poses and their alignment with pictures, exposures, the optimizer,
checkpoints, and several processes that train together.

Contract: knows ``base`` and no method; never reads a pixel of a held-out frame; killed and resumed equals not killed.

What an avatar is made of, and its losses beyond the photometric one, is a method's own.
"""
