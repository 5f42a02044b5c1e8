"""Measures of pictures, masks and poses: PSNR, SSIM, LPIPS, IoU, joint errors, similarity transforms.

Contract: plain functions of arrays, units and ranges in their docstrings, values checked against published ones.

Which frames are measured, and what is reported, is decided by ``avatar.evaluate``, ``inspection`` and
``benchmarks/``.
"""
