"""Videos in and out: choosing and decoding frames, the camera they were taken with, writing mp4."""
