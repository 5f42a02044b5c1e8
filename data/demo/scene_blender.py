"""Renders the demo actor in a room: run by make_demo.py as `blender -b -P scene_blender.py -- JOB.json`.

Needs Blender 3.4 or newer with Cycles, and nothing else (Debian's Blender has no numpy of its own).
JOB.json: {"folder": with pieces.json and the pieces' arrays, "width", "height", "samples", "threads",
"cameras": {name: {"focal", "view"}}, "tasks": [{"frame": int or null (empty room), "camera",
"border" (x0, y0, x1, y1 in pixels from the top left), "out": path without ending}]}. What a task writes, 16-bit PNG:
  OUT.png         sRGB picture of the actor alone with alpha (the room lights the actor, but no camera sees it)
  OUT_albedo.png  linear surface colour of the actor, times coverage: to smooth the light but not the texture
  OUT_room.png    sRGB picture of the room without the actor but with the actor's shadow, a third of the size;
                  the full size and the only file for the empty room (then it is OUT.png)
Tasks whose OUT.png exists are skipped, so a stopped run goes on.
"""

import array
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix

sys.path.insert(0, str(Path(__file__).resolve().parent))
from room_blender import area_light, build_room, new_material

JOB = json.loads(Path(sys.argv[sys.argv.index("--") + 1]).read_text())
BUMPS = {"shirt": (0.5, 0.012), "trousers": (0.5, 0.012), "hair": (0.7, 0.006), "skin": (0.15, 0.002)}
"""Strength and depth (metres) of a piece's bump map."""


def bump(tree: Any, shader: Any, source: Any, strength: float, distance: float) -> None:
    """Bump mapping from a node's output."""
    node = tree.nodes.new("ShaderNodeBump")
    node.inputs["Strength"].default_value = strength
    node.inputs["Distance"].default_value = distance
    tree.links.new(source, node.inputs["Height"])
    tree.links.new(node.outputs["Normal"], shader.inputs["Normal"])


def image_node(tree: Any, path: str, data: bool = False) -> Any:
    """An image texture by the mesh's UV."""
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(path)
    if data:
        node.image.colorspace_settings.name = "Non-Color"
    return node


def read(path: str, code: str, start: int = 0, count: int | None = None) -> array.array:
    """Numbers from a raw little-endian file."""
    numbers = array.array(code)
    with open(path, "rb") as file:
        file.seek(start * numbers.itemsize)
        total = os.path.getsize(path) // numbers.itemsize
        numbers.fromfile(file, total - start if count is None else count)
    return numbers


def load_piece(info: dict) -> Any:
    """A piece of the actor as a mesh object with its textures; its vertices come later, by frame."""
    folder, name = JOB["folder"], info["name"]
    mesh = bpy.data.meshes.new(name)
    faces = read(f"{folder}/{name}.faces", "i")
    triangles = [tuple(faces[k : k + 3]) for k in range(0, len(faces), 3)]
    first = read(f"{folder}/{name}.verts", "f", 0, info["vertices"] * 3)
    mesh.from_pydata([tuple(first[k : k + 3]) for k in range(0, len(first), 3)], [], triangles)
    mesh.uv_layers.new().data.foreach_set("uv", read(f"{folder}/{name}.uv", "f"))
    mesh.polygons.foreach_set("use_smooth", [True] * len(triangles))
    cloth = name in ("shirt", "trousers")
    roughness = {"skin": 0.48, "eyes": 0.12, "hair": 0.42}.get(name, 0.8)
    material, tree, shader = new_material(name, roughness, 0.35 if name in ("skin", "eyes", "hair") else 0.15)
    color = image_node(tree, f"{folder}/{name}.png").outputs["Color"]
    tree.links.new(color, shader.inputs["Base Color"])
    if name in BUMPS:
        bump(tree, shader, image_node(tree, f"{folder}/{name}_height.png", True).outputs["Color"], *BUMPS[name])
    if name == "shirt":
        shader.inputs["Sheen"].default_value = 0.3
    marker = tree.nodes.new("ShaderNodeOutputAOV")
    marker.name = "albedo"
    tree.links.new(color, marker.inputs["Color"])
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    if name == "skin":
        smooth = thing.modifiers.new("finer", "SUBSURF")
        smooth.render_levels = 1
        smooth.boundary_smooth = "ALL"
    if cloth:
        thick = thing.modifiers.new("cloth", "SOLIDIFY")
        thick.thickness = 0.003
        thick.offset = -1
    return thing


def set_camera(camera: dict) -> None:
    """Blender's camera from a focal length in pixels (principal point in the middle) and an OpenCV view matrix."""
    scene = bpy.context.scene
    thing = scene.camera
    thing.data.sensor_fit = "HORIZONTAL"
    thing.data.sensor_width = 36.0
    thing.data.lens = camera["focal"] / JOB["width"] * 36.0
    thing.data.clip_start = 0.05
    thing.matrix_world = Matrix(camera["view"]).inverted() @ Matrix.Diagonal((1, -1, -1, 1))


def set_up() -> tuple:
    """Scene, renderer, lights, room, actor; returns the actor's pieces (their infos and objects) and the room's objects."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", JOB["threads"]
    scene.render.resolution_x, scene.render.resolution_y = JOB["width"], JOB["height"]
    scene.render.resolution_percentage = 100
    scene.render.use_persistent_data = True
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    cycles = scene.cycles
    cycles.samples = JOB["samples"]
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 1, 1, 1
    cycles.transmission_bounces = cycles.transparent_max_bounces = 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    cycles.use_auto_tile = False
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(scene.camera)
    scene.world = bpy.data.worlds.new("sky")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs[0].default_value = (0.95, 0.98, 1.0, 1)
    scene.world.node_tree.nodes["Background"].inputs[1].default_value = 0.75
    area_light((-1.7, -1.9, 2.7), (0, 0, 1.0), 1.3, 75.0, (1.0, 0.95, 0.88))
    area_light((1.9, -1.2, 2.5), (0, 0, 1.0), 1.0, 26.0, (0.9, 0.95, 1.0))
    layer = scene.view_layers[0]
    layer.aovs.add().name = "albedo"
    pieces = json.loads(Path(JOB["folder"], "pieces.json").read_text())
    return [(info, load_piece(info)) for info in pieces], build_room()


def set_up_outputs() -> Any:
    """A compositor that also writes the actor's surface colour; returns the node that does."""
    scene = bpy.context.scene
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    layers = tree.nodes.new("CompositorNodeRLayers")
    composite = tree.nodes.new("CompositorNodeComposite")
    tree.links.new(layers.outputs["Image"], composite.inputs["Image"])
    output = tree.nodes.new("CompositorNodeOutputFile")
    output.format.file_format, output.format.color_mode, output.format.color_depth = "PNG", "RGB", "16"
    output.format.color_management = "OVERRIDE"
    output.format.view_settings.view_transform = "Raw"
    tree.links.new(layers.outputs["albedo"], output.inputs[0])
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth, settings.compression = "PNG", "RGBA", "16", 15
    return output


def shoot(path: str, samples: int, percent: int = 100) -> None:
    """Render what is set up to a file."""
    scene = bpy.context.scene
    scene.cycles.samples = samples
    scene.render.resolution_percentage = percent
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)


def move_actor(actor: list, frame: int) -> None:
    """Put every piece's vertices where they are at a frame."""
    for info, thing in actor:
        size = info["vertices"] * 3
        numbers = read(f"{JOB['folder']}/{info['name']}.verts", "f", frame * size, size)
        thing.data.vertices.foreach_set("co", numbers)
        thing.data.update()


def do_task(task: dict, actor: list, room: list, output: Any) -> None:
    """One picture of the actor, of the actor's shadow, or of the empty room."""
    scene, out, frame = bpy.context.scene, task["out"], task["frame"]
    set_camera(JOB["cameras"][task["camera"]])
    scene.frame_set(0)
    scene.cycles.seed = 7 + (frame or 0)
    empty = frame is None
    for thing in room:
        thing.visible_camera = empty
    for _, thing in actor:
        thing.hide_render, thing.visible_camera = empty, True
    scene.render.film_transparent = not empty
    scene.render.use_border = not empty
    output.mute = empty
    if empty:
        shoot(out + "_part.png", 4 * JOB["samples"])
    else:
        move_actor(actor, frame)
        x0, y0, x1, y1 = task["border"]
        scene.render.border_min_x, scene.render.border_max_x = x0 / JOB["width"], x1 / JOB["width"]
        scene.render.border_min_y, scene.render.border_max_y = 1 - y1 / JOB["height"], 1 - y0 / JOB["height"]
        output.base_path = os.path.dirname(out)
        output.file_slots[0].path = os.path.basename(out) + "_albedo#"
        shoot(out + "_part.png", JOB["samples"])
        os.replace(out + "_albedo0.png", out + "_albedo.png")
        for thing in room:
            thing.visible_camera = True
        for _, thing in actor:
            thing.visible_camera = False
        scene.render.film_transparent, scene.render.use_border, output.mute = False, False, True
        shoot(out + "_room.png", JOB["samples"], 34)
    os.replace(out + "_part.png", out + ".png")


def main() -> None:
    """All tasks of the job, one after the other."""
    actor, room = set_up()
    output = set_up_outputs()
    for task in JOB["tasks"]:
        if not os.path.exists(task["out"] + ".png"):
            start = time.time()
            do_task(task, actor, room, output)
            print(f"RENDERED {Path(task['out']).name} {time.time() - start:.1f} s", flush=True)


main()
