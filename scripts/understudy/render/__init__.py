"""Rasterizers: Gaussians and meshes to pictures, on CPUs and GPUs.

Here belongs the camera, the Gaussian rasterizer (numba kernels, gsplat on CUDA, and ``reference``, the readable twin
that tests compare them with), the mesh rasterizer, and the compiler's settings (``jit``).

Contract: OpenCV camera, pixel centres at +0.5, pictures float32 [H,W,3] premultiplied in 0..1, gradients checked by
finite differences.

What is drawn, and from where, is said by ``avatar`` and ``rendering``. It imports no other room.
"""
