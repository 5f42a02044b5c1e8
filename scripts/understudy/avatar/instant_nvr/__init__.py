"""The method ``instant_nvr``: a field of hash grids, one for each part of the body, in the body's big pose.

Source: Geng et al., Learning Neural Volumetric Representations of Dynamic Humans in Minutes (CVPR 2023).
"""
