"""Renders the demo actor in a room: run by make_demo.py as `blender -b -P scene_blender.py -- JOB.json`.

Needs Blender 3.4 or newer with Cycles, and nothing else (Debian's Blender has no numpy of its own).
JOB.json: {"folder": with pieces.json and the pieces' arrays, "width", "height", "samples", "threads",
"cameras": {name: {"focal", "view"}}, "tasks": [{"frame": int or null (empty room), "camera", "border" (x0, y0, x1, y1 in
pixels from the top left), "out": path without ending}]}. What a task writes, 16-bit PNG:
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

import bpy
from mathutils import Matrix

JOB = json.load(open(sys.argv[sys.argv.index("--") + 1]))
BUMPS = {"shirt": (0.5, 0.012), "trousers": (0.5, 0.012), "hair": (0.7, 0.006), "skin": (0.15, 0.002)}
"""Strength and depth (metres) of a piece's bump map."""
ROOM = []
"""The room's objects."""


def new_material(name, roughness, specular=0.3):
    """A principled material and its node tree."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    shader = tree.nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Specular"].default_value = specular
    return material, tree, shader


def bump(tree, shader, source, strength, distance):
    """Bump mapping from a node's output."""
    node = tree.nodes.new("ShaderNodeBump")
    node.inputs["Strength"].default_value = strength
    node.inputs["Distance"].default_value = distance
    tree.links.new(source, node.inputs["Height"])
    tree.links.new(node.outputs["Normal"], shader.inputs["Normal"])


def image_node(tree, path, data=False):
    """An image texture by the mesh's UV."""
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(path)
    if data:
        node.image.colorspace_settings.name = "Non-Color"
    return node


def read(path, code, start=0, count=None):
    """Numbers from a raw little-endian file."""
    numbers = array.array(code)
    with open(path, "rb") as file:
        file.seek(start * numbers.itemsize)
        total = os.path.getsize(path) // numbers.itemsize
        numbers.fromfile(file, total - start if count is None else count)
    return numbers


def load_piece(info):
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


def box(name, low, high, material):
    """An axis-aligned box."""
    bpy.ops.mesh.primitive_cube_add(size=1, location=[(a + b) / 2 for a, b in zip(low, high)])
    thing = bpy.context.object
    thing.name = name
    ROOM.append(thing)
    thing.scale = [b - a for a, b in zip(low, high)]
    bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    thing.data.materials.append(material)


def coordinates(tree, scale):
    """Object coordinates, scaled per axis."""
    source = tree.nodes.new("ShaderNodeTexCoord")
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = scale
    tree.links.new(source.outputs["Object"], mapping.inputs["Vector"])
    return mapping.outputs["Vector"]


def noisy(tree, shader, low, high, scale, detail=4.0):
    """Base colour between two colours, by noise."""
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 1.0
    noise.inputs["Detail"].default_value = detail
    tree.links.new(coordinates(tree, scale), noise.inputs["Vector"])
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.35, 0.65
    ramp.color_ramp.elements[0].color, ramp.color_ramp.elements[1].color = (*low, 1), (*high, 1)
    tree.links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    tree.links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
    return ramp.outputs["Color"]


def build_room():
    """Four walls, a plank floor, skirting, two pictures, soft light from above; open to a bright sky on top."""
    wall, tree, shader = new_material("wall", 0.9, 0.1)
    noisy(tree, shader, (0.55, 0.52, 0.46), (0.63, 0.60, 0.54), (1.3, 1.3, 1.3))
    floor, tree, shader = new_material("floor", 0.55, 0.25)
    brick = tree.nodes.new("ShaderNodeTexBrick")
    brick.offset, brick.squash = 0.37, 1.0
    for key, value in (("Scale", 1.0), ("Brick Width", 1.1), ("Row Height", 0.13), ("Mortar Size", 0.0025)):
        brick.inputs[key].default_value = value
    brick.inputs["Color1"].default_value = (0.27, 0.155, 0.08, 1)
    brick.inputs["Color2"].default_value = (0.36, 0.22, 0.12, 1)
    brick.inputs["Mortar"].default_value = (0.08, 0.045, 0.025, 1)
    tree.links.new(coordinates(tree, (1, 1, 1)), brick.inputs["Vector"])
    veins = noisy(tree, shader, (0.72, 0.72, 0.72), (1.1, 1.1, 1.1), (3, 45, 1), 6.0)
    grain = tree.nodes.new("ShaderNodeMixRGB")
    grain.blend_type = "MULTIPLY"
    grain.inputs["Fac"].default_value = 1.0
    tree.links.new(brick.outputs["Color"], grain.inputs["Color1"])
    tree.links.new(veins, grain.inputs["Color2"])
    tree.links.new(grain.outputs["Color"], shader.inputs["Base Color"])
    white, _, shader = new_material("skirting", 0.5)
    shader.inputs["Base Color"].default_value = (0.75, 0.74, 0.71, 1)
    dark, _, shader = new_material("frame", 0.4)
    shader.inputs["Base Color"].default_value = (0.05, 0.04, 0.035, 1)
    art, tree, shader = new_material("picture", 0.6)
    noisy(tree, shader, (0.10, 0.22, 0.30), (0.75, 0.45, 0.22), (3.0, 3.0, 5.0), 1.0)
    x, y0, y1, top = 2.3, -3.0, 1.75, 3.7
    box("floor", (-x, y0, -0.1), (x, y1, 0), floor)
    box("back", (-x, y1, 0), (x, y1 + 0.1, top), wall)
    box("front", (-x, y0 - 0.1, 0), (x, y0, top), wall)
    box("left", (-x - 0.1, y0, 0), (-x, y1, top), wall)
    box("right", (x, y0, 0), (x + 0.1, y1, top), wall)
    box("skirting back", (-x, y1 - 0.018, 0), (x, y1, 0.11), white)
    box("skirting left", (-x, y0, 0), (-x + 0.018, y1, 0.11), white)
    box("skirting right", (x - 0.018, y0, 0), (x, y1, 0.11), white)
    box("skirting front", (-x, y0, 0), (x, y0 + 0.018, 0.11), white)
    box("frame", (0.62, y1 - 0.03, 1.25), (1.17, y1, 1.95), dark)
    box("picture", (0.65, y1 - 0.034, 1.28), (1.14, y1 - 0.03, 1.92), art)
    box("frame left", (-x, -0.6, 1.2), (-x + 0.03, 0.3, 1.8), dark)
    box("picture left", (-x + 0.03, -0.57, 1.23), (-x + 0.034, 0.27, 1.77), art)


def area_light(at, towards, size, watts, color):
    """A square light."""
    data = bpy.data.lights.new("area", "AREA")
    data.shape, data.size, data.energy, data.color = "SQUARE", size, watts, color
    thing = bpy.data.objects.new("area", data)
    thing.location = at
    aim = Matrix.Translation(towards).translation - Matrix.Translation(at).translation
    thing.rotation_euler = aim.to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(thing)


def set_camera(camera):
    """Blender's camera from a focal length in pixels (principal point in the middle) and an OpenCV view matrix."""
    scene = bpy.context.scene
    thing = scene.camera
    thing.data.sensor_fit = "HORIZONTAL"
    thing.data.sensor_width = 36.0
    thing.data.lens = camera["focal"] / JOB["width"] * 36.0
    thing.data.clip_start = 0.05
    thing.matrix_world = Matrix(camera["view"]).inverted() @ Matrix.Diagonal((1, -1, -1, 1))


def set_up():
    """Scene, renderer, lights, room, actor; returns the actor's objects."""
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
    build_room()
    layer = scene.view_layers[0]
    layer.aovs.add().name = "albedo"
    pieces = json.load(open(f"{JOB['folder']}/pieces.json"))
    return [(info, load_piece(info)) for info in pieces]


def set_up_outputs():
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


def shoot(path, samples, percent=100):
    """Render what is set up to a file."""
    scene = bpy.context.scene
    scene.cycles.samples = samples
    scene.render.resolution_percentage = percent
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)


def move_actor(actor, frame):
    """Put every piece's vertices where they are at a frame."""
    for info, thing in actor:
        size = info["vertices"] * 3
        numbers = read(f"{JOB['folder']}/{info['name']}.verts", "f", frame * size, size)
        thing.data.vertices.foreach_set("co", numbers)
        thing.data.update()


def do_task(task, actor, output):
    """One picture of the actor, of the actor's shadow, or of the empty room."""
    scene, out, frame = bpy.context.scene, task["out"], task["frame"]
    set_camera(JOB["cameras"][task["camera"]])
    scene.frame_set(0)
    scene.cycles.seed = 7 + (frame or 0)
    empty = frame is None
    for thing in ROOM:
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
        for thing in ROOM:
            thing.visible_camera = True
        for _, thing in actor:
            thing.visible_camera = False
        scene.render.film_transparent, scene.render.use_border, output.mute = False, False, True
        shoot(out + "_room.png", JOB["samples"], 34)
    os.replace(out + "_part.png", out + ".png")


def main():
    """All tasks of the job, one after the other."""
    actor = set_up()
    output = set_up_outputs()
    for task in JOB["tasks"]:
        if not os.path.exists(task["out"] + ".png"):
            start = time.time()
            do_task(task, actor, output)
            print(f"RENDERED {os.path.basename(task['out'])} {time.time() - start:.1f} s", flush=True)


main()
