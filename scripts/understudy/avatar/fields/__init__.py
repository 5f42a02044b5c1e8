"""What radiance fields on a body share: where their rays run, where in the rest pose a place belongs, encodings, compositing.

A method that is such a field brings what it makes of places there, its losses and its options.
"""
