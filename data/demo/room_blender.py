"""The room of the demo, its lights and materials, for scene_blender.py: runs inside Blender."""

from typing import Any

import bpy
from mathutils import Matrix


def new_material(name: str, roughness: float, specular: float = 0.3) -> tuple:
    """A principled material and its node tree."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    shader = tree.nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Specular"].default_value = specular
    return material, tree, shader


def box(name: str, low: tuple, high: tuple, material: Any) -> None:
    """An axis-aligned box."""
    bpy.ops.mesh.primitive_cube_add(size=1, location=[(a + b) / 2 for a, b in zip(low, high, strict=True)])
    thing = bpy.context.object
    thing.name = name
    thing.scale = [b - a for a, b in zip(low, high, strict=True)]
    bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    thing.data.materials.append(material)


def coordinates(tree: Any, scale: tuple) -> Any:
    """Object coordinates, scaled per axis."""
    source = tree.nodes.new("ShaderNodeTexCoord")
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = scale
    tree.links.new(source.outputs["Object"], mapping.inputs["Vector"])
    return mapping.outputs["Vector"]


def noisy(tree: Any, shader: Any, low: tuple, high: tuple, scale: tuple, detail: float = 4.0) -> Any:
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


def build_room() -> list:
    """Four walls, a plank floor, skirting, two pictures, soft light from above; open to a bright sky on top.

    Returns the objects.
    """
    before = set(bpy.data.objects)
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
    return [thing for thing in bpy.data.objects if thing not in before]


def area_light(at: tuple, towards: tuple, size: float, watts: float, color: tuple) -> None:
    """A square light."""
    data = bpy.data.lights.new("area", "AREA")
    data.shape, data.size, data.energy, data.color = "SQUARE", size, watts, color
    thing = bpy.data.objects.new("area", data)
    thing.location = at
    aim = Matrix.Translation(towards).translation - Matrix.Translation(at).translation
    thing.rotation_euler = aim.to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(thing)
