"""What Blender shows of a .glb or .obj: run by Blender's own Python, as ``blender -b -P blender_views.py -- JOB.json``
(programs.py does).

The job names the model, the rate of its motions, and for each picture the motion and frame (or none), the camera
(K, view and size; y up, as in the file) and the PNG to write.
"""

import json
import sys

import bpy
import numpy as np
from mathutils import Matrix

# Blender 3.4's importer uses names that numpy has since dropped
vars(np).setdefault("bool", bool)

TO_BLENDER = Matrix(((1, 0, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))
"""From y up to Blender's z up, as its importers turn what they read."""
FLIP = Matrix.Diagonal((1, -1, -1, 1))
"""Between cameras that look along z with y down and Blender's, which look against z with y up."""
SENSOR_MM = 36.0


def main() -> None:
    """Open the model and take the pictures."""
    with open(sys.argv[sys.argv.index("--") + 1], encoding="utf-8") as file:
        job = json.load(file)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = job["fps"]
    if job["model"].endswith(".glb"):
        bpy.ops.import_scene.gltf(filepath=job["model"])
    else:
        bpy.ops.import_scene.obj(filepath=job["model"])
    prepare(scene)
    for picture in job["pictures"]:
        play(picture["motion"])
        scene.frame_set(picture["frame"])
        look(scene, picture)
        scene.render.filepath = picture["file"]
        bpy.ops.render.render(write_still=True)


def prepare(scene: bpy.types.Scene) -> None:
    """Cycles on the CPU, white light from everywhere, nothing behind the person."""
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.seed = 8, False, 0
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("white")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (1, 1, 1, 1)


def play(motion: str | None) -> None:
    """Put the skeleton into a motion, or into its rest pose."""
    for thing in bpy.data.objects:
        if thing.type == "ARMATURE":
            thing.data.pose_position = "REST" if motion is None else "POSE"
            if motion is not None:
                for track in thing.animation_data.nla_tracks:
                    track.mute = True
                thing.animation_data.action = next(a for a in bpy.data.actions if a.name.startswith(motion))


def look(scene: bpy.types.Scene, picture: dict) -> None:
    """The camera of a picture."""
    width, height = picture["size"]
    data = bpy.data.cameras.new("view")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", SENSOR_MM
    data.lens = picture["K"][0][0] * SENSOR_MM / width
    camera = bpy.data.objects.new("view", data)
    camera.matrix_world = TO_BLENDER @ Matrix(picture["view"]).inverted() @ FLIP
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100


main()
