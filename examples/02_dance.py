"""Play a motion, taller and in a shadow: python examples/02_dance.py results/actor/avatar.tar dance.bvh dance.mp4"""

import sys

import understudy

avatar, motion, video = sys.argv[1:]
archive = understudy.load_archive(avatar)
config = understudy.ShowConfig(size=(270, 480), frames=24, shadow=True, shape=understudy.ShapeConfig(height=190.0))
understudy.render_motion(archive, video, config, motion=motion)
