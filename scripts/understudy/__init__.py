"""Understudy: an animatable avatar of a person from one ordinary video.

Imports nothing, so that a stage loads only the libraries it needs.
"""
