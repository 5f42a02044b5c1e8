"""Write an avatar for Blender and game engines: python examples/04_export.py results/actor/avatar.tar folder"""

import sys

import understudy

avatar, folder = sys.argv[1:]
archive = understudy.load_archive(avatar)
for path in understudy.export_avatar(archive, folder, understudy.ExportConfig(texture_size=256), files=["avatar.glb"]):
    print(path)
