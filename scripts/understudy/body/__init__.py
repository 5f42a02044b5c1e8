"""The body model: SMPL-format files, linear blend skinning, shapes and parts.

Here belongs what is true of a body whatever it is used for: reading SMPL, SMPL-H and SMPL-X files and the free one,
joints and limbs by name (``joints``), posing (``lbs``, ``posed``), pose offsets, part labels of its vertices, height
and weight as shape (``shape_edit``), and unwrapping. ``building`` holds how the free body is made; it runs once,
offline.

Contract: ``load_body`` gives a ``BodyModel`` in metres, y up, T-pose, with SMPL's axes and the joints of its file;
``check`` says what is possible. Nobody else knows how many joints there are, or which has which number.

Poses over time are motions (``motion``) or tracks (``formats.smpl``); a person's own surface is the avatar's.
"""
