"""The method ``neural_actor``: Gaussians whose moves and shades a pose predicts in texture space.

Here belongs what a texel knows of a pose (``texels``), the predictors of textures (``linear``, ``unet``), the texture of
moves and shades (``pose_texture``), and the avatar that reads it. The Gaussians themselves are those of ``gaussians``.

Source: Liu et al., Neural Actor (SIGGRAPH Asia 2021), section 3.2: the pose's normals over the UV layout are turned into a
texture, and what is seen at a point of the surface follows from the texture there.
"""
