"""Stage ``parsing``: which part of the body or which garment each of the person's pixels is, ``parsing/``.

Here belongs labelling without a network: the outfit is found from the colours that the whole video shows on the body
(``sightings``, ``densities``, ``outfit``), and spread to each frame's pixels (``spread``).

Contract: labels of CIHP-20 in the frames' size, left and right as the person's, 0 outside the matte.

Networks and the user's own labels are in ``backends``, with the label sets of other programs.
"""
