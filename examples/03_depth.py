"""Draw a pose from a camera of your own, as arrays: python examples/03_depth.py results/actor/avatar.tar depth.png"""

import sys

import numpy as np
from PIL import Image

import understudy

avatar, picture = sys.argv[1:]
act = understudy.a_pose(understudy.load_archive(avatar).avatar)
_, low, high = act.boxes()
middle = (low[0] + high[0]) / 2  # m; x right, y down, the person faces -z
view = understudy.look_at(eye=middle + np.array([1.0, -0.5, -3.0]), target=middle, up=np.array([0.0, -1.0, 0.0]))
camera = understudy.Camera(K=np.array([[400.0, 0, 120], [0, 400, 160], [0, 0, 1]]), width=240, height=320, view=view)
[drawn] = understudy.render_performance(act, [camera])  # rgb [H,W,3], alpha [H,W], depth [H,W] in m
near = np.where(drawn.alpha > 0.5, drawn.depth.max() - drawn.depth, 0.0)
Image.fromarray((255 * near / near.max()).astype(np.uint8)).save(picture)
