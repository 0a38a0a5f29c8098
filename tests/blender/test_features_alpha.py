"""A surface is there where its alpha is at least one half, wherever in the material the alpha stands."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon.capture import capture

from . import exact, scenes

EDGE = 0.37
"""Cutouts are there where world x is below this."""


@pytest.fixture(autouse=True)
def _new_file():
    scenes.empty()


class Tree:
    """Makes nodes of a material, or of a group, in one line each."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree

    def node(self, kind: str, *inputs, **settings):
        """The first output of a new node; ``inputs``: values or sockets in order, None leaves one as it is."""
        node = self.tree.nodes.new(f"ShaderNode{kind}")
        for key, value in settings.items():
            setattr(node, key, value)
        self.feed(node, inputs)
        return node.outputs[0]

    def feed(self, node, inputs) -> None:
        for socket, value in zip(node.inputs, inputs, strict=False):
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            elif value is not None:
                socket.default_value = value

    def there(self):
        """1 where world x is below ``EDGE``, else 0."""
        x = self.tree.nodes.new("ShaderNodeSeparateXYZ")
        self.tree.links.new(self.node("NewGeometry"), x.inputs[0])
        return self.node("Math", x.outputs[0], EDGE, operation="LESS_THAN")

    def principled(self, alpha=None):
        node = self.tree.nodes.new("ShaderNodeBsdfPrincipled")
        if alpha is not None:
            self.tree.links.new(alpha, node.inputs["Alpha"])
        return node.outputs[0]

    def cut(self, there, shader=None):
        """``shader`` (plain) where ``there`` is 1."""
        return self.node("MixShader", there, self.node("BsdfTransparent"), shader or self.node("BsdfDiffuse"))

    def group(self, inputs: dict[str, str], build, *values):
        """The first output of a node of a new group; ``build(tree, sockets)`` gives the shader that it puts out."""
        made = bpy.data.node_groups.new("Group", "ShaderNodeTree")
        made.interface.new_socket("Shader", in_out="OUTPUT", socket_type="NodeSocketShader")
        for name, kind in inputs.items():
            made.interface.new_socket(name, in_out="INPUT", socket_type=f"NodeSocket{kind}")
        source, target = made.nodes.new("NodeGroupInput"), made.nodes.new("NodeGroupOutput")
        made.links.new(build(Tree(made), list(source.outputs)[: len(inputs)]), target.inputs[0])
        return self.use(made, *values)

    def use(self, made: bpy.types.NodeTree, *values):
        node = self.tree.nodes.new("ShaderNodeGroup")
        node.node_tree = made
        self.feed(node, values)
        return node.outputs[0]


def alpha_of_group(t):
    return t.group({"Alpha": "Float"}, lambda g, s: g.principled(s[0]), t.there())


def constant_input_of_group(t):
    """The group's own mask, its input left unlinked: 1."""
    made = t.group({"Most": "Float"}, lambda g, s: g.principled(g.node("Math", g.there(), s[0], operation="MULTIPLY")))
    made.node.inputs[0].default_value = 1.0
    return made


def inside_group(t):
    return t.group({}, lambda g, s: g.principled(g.there()))


def nested_groups(t):
    def outer(g, s):
        return g.group(
            {"Alpha": "Float"}, lambda h, r: h.node("MixShader", r[0], h.node("BsdfTransparent"), h.principled()), s[0]
        )

    return t.group({"Alpha": "Float"}, outer, t.there())


def shader_into_group(t):
    """A group that mixes the shader it is given with another, by its own mask."""
    clear = t.node("BsdfTransparent")
    return t.group({"Shader": "Shader"}, lambda g, s: g.node("MixShader", g.there(), s[0], g.principled()), clear)


def through_a_group(t):
    """A group that only hands a shader on, behind a reroute."""
    given = t.cut(t.there())
    reroute = t.tree.nodes.new("NodeReroute")
    t.tree.links.new(t.group({"Shader": "Shader"}, lambda g, s: s[0], given), reroute.inputs[0])
    return reroute.outputs[0]


def one_group_twice(t):
    """Two nodes of one group with different inputs: seen through only where both are."""
    first = t.group({"Alpha": "Float"}, lambda g, s: g.principled(s[0]), 0.0)
    return t.node("MixShader", t.there(), first, t.use(first.node.node_tree, 1.0))


def added_light(t):
    """Transparent + emission is a glow: it hides nothing. Diffuse + emission is a surface."""
    glow = t.node("AddShader", t.node("BsdfTransparent"), t.node("Emission"))
    lit = t.node("AddShader", t.node("BsdfDiffuse"), t.node("Emission"))
    return t.node("MixShader", t.there(), glow, lit)


def added_halves(t):
    """0.4 + 0.4 lets 0.8 through; 0.2 + 0.2 lets 0.4 through."""
    dark = t.node("Mix", t.there())
    mix = dark.node
    mix.data_type = "RGBA"
    mix.inputs[6].default_value, mix.inputs[7].default_value = (0.4, 0.4, 0.4, 1), (0.2, 0.2, 0.2, 1)
    clear = t.node("BsdfTransparent", mix.outputs[2])
    return t.node("AddShader", clear, clear)


def added_in_group(t):
    def build(g, s):
        return g.node(
            "AddShader", g.node("MixShader", s[0], g.node("BsdfTransparent"), g.node("BsdfDiffuse")), g.node("Emission")
        )

    return t.group({"Factor": "Float"}, build, t.there())


def holdout(t):
    return t.cut(t.there(), t.node("Holdout"))


def glass(t):
    mixed = t.node("MixShader", 0.5, t.node("BsdfGlass"), t.node("BsdfRefraction"))
    return t.cut(t.there(), mixed)


def for_cameras_only(t):
    """A light path factor counts as it does for the camera's rays."""
    path = t.tree.nodes.new("ShaderNodeLightPath")
    shadow = t.node("MixShader", path.outputs["Is Shadow Ray"], t.node("BsdfDiffuse"), t.node("BsdfTransparent"))
    hidden = t.node("MixShader", path.outputs["Is Camera Ray"], t.node("BsdfDiffuse"), t.node("BsdfTransparent"))
    return t.node("MixShader", t.there(), hidden, shadow)


def muted(t):
    """A muted node counts as what Blender leads around it."""
    off = t.node(
        "MixShader",
        1.0,
        t.cut(t.there()),
        t.node("BsdfDiffuse"),
    )
    off.node.mute = True
    return off


def nothing_mixed_in(t):
    """An input that nothing feeds is black, not clear."""
    return t.node("MixShader", t.there(), t.node("BsdfTransparent"))


BUILDERS = [
    alpha_of_group,
    constant_input_of_group,
    inside_group,
    nested_groups,
    shader_into_group,
    through_a_group,
    one_group_twice,
    added_light,
    added_halves,
    added_in_group,
    holdout,
    glass,
    for_cameras_only,
    muted,
    nothing_mixed_in,
]


def cutout(name, build) -> bpy.types.Material:
    made = scenes.material(name)
    tree = Tree(made.node_tree)
    made.node_tree.links.new(build(tree), made.node_tree.get_output_node("CYCLES").inputs["Surface"])
    return made


def leaves(*materials):
    """A wall, and before it one leaf above the other, from x = -1 to 1."""
    scene = bpy.context.scene
    scenes.add("Wall", scenes.mesh("plane", "Wall", 30), (0, 3, 0), rotation_euler=(np.pi / 2, 0, 0))
    for index, material in enumerate(materials):
        leaf = scenes.add(
            f"Leaf {index}",
            scenes.mesh("plane", f"Leaf {index}", 2),
            (0, 0, 2.2 * index),
            rotation_euler=(np.pi / 2, 0, 0),
        )
        leaf.data.materials.append(material)
    scenes.camera(at=(0, -10, 1.1 * (len(materials) - 1)), towards=(0, 0, 1.1 * (len(materials) - 1)))
    return scene


def see_through(name, point):
    return name.startswith("Leaf") and point.x >= EDGE


@pytest.mark.parametrize("build", BUILDERS)
def test_alpha_anywhere(build, capfd):
    scene = leaves(cutout("Cutout", build))
    maps = exact.check(scene, (64, 24), see_through)
    assert {one.object for one in maps.instances} == {"Wall", "Leaf 0"}
    assert "ERROR" not in "".join(capfd.readouterr())


def test_materials_that_share_groups_do_not_disturb_each_other():
    build = alpha_of_group
    first = cutout("First", build)
    group = next(one for one in first.node_tree.nodes if one.type == "GROUP").node_tree

    def again(t):
        return t.use(group, t.there())

    def opaque(t):
        return t.use(group, 1.0)

    sockets = len(group.interface.items_tree)
    scene = leaves(first, cutout("Second", again), cutout("Third", opaque))
    for _ in range(2):
        maps = exact.check(scene, (48, 64), lambda name, point: name != "Leaf 2" and see_through(name, point))
    assert len(maps.instances) == 4
    assert len(group.interface.items_tree) == sockets
    assert first.node_tree.nodes["Group"].outputs.keys() == ["Shader"]


def test_a_texture_s_alpha_counts_pixel_by_pixel():
    image = bpy.data.images.new("Holes", 8, 8, alpha=True)
    rng = np.random.default_rng(3)
    alpha = rng.choice([0.0, 0.4, 0.5, 1.0], (8, 8)).astype(np.float32)
    image.pixels.foreach_set(np.dstack([np.ones((8, 8, 3), np.float32), alpha]).ravel())
    image.pack()

    def build(t):
        def inner(g, s):
            texture = g.tree.nodes.new("ShaderNodeTexImage")
            texture.image, texture.interpolation = image, "Closest"
            scaled = g.node("VectorMath", g.node("NewGeometry"), (1 / 8, 0, 1 / 8), operation="MULTIPLY")
            flat = g.tree.nodes.new("ShaderNodeSeparateXYZ")
            g.tree.links.new(scaled, flat.inputs[0])
            uv = g.node("CombineXYZ", flat.outputs[0], flat.outputs[2])
            g.tree.links.new(uv, texture.inputs[0])
            return g.principled(texture.outputs["Alpha"])

        return t.group({}, inner)

    scene = leaves(cutout("Texture", build))
    leaf = bpy.data.objects["Leaf 0"]
    leaf.scale, leaf.location = (4, 4, 1), (4, 0, 4)
    bpy.data.objects.remove(scene.camera)
    scenes.camera(at=(4, -10, 4), towards=(4, 0, 4), type="ORTHO", ortho_scale=8)
    maps = capture(scene, size=(40, 40))
    there = np.kron(alpha[::-1] > 0.499, np.ones((5, 5), bool))  # bytes: .5 is 128/255
    names = np.array(["", *(one.object for one in maps.instances)])[maps.instance_map]
    assert np.array_equal(names == "Leaf 0", there)


def test_a_material_whose_nodes_are_off_is_opaque():
    made = cutout("Off", inside_group)
    if bpy.app.version < (5, 0):
        made.use_nodes = False
    maps = exact.check(leaves(made), (48, 24), None if bpy.app.version < (5, 0) else see_through)
    assert len(maps.instances) == 2
