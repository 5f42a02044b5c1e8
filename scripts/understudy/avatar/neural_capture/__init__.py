"""The method ``neural_capture``: a radiance field whose features hang on the body's vertices, in any pose.

Source: Zhu et al., Neural Capture of Animatable 3D Human from Monocular Video (ECCV 2022), "NTC".
"""
