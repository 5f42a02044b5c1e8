"""Turn an avatar once round: python examples/01_turn.py results/actor/avatar.tar turn.mp4"""

import sys

import understudy

avatar, video = sys.argv[1:]
archive = understudy.load_archive(avatar)
config = understudy.ShowConfig(size=(270, 480), frames=24, path=understudy.PathConfig("turntable"))
understudy.render_motion(archive, video, config)
