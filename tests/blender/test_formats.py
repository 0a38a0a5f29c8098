"""Files of maps as Blender itself reads them."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon import api
from blender_segaddon.core.cryptomatte import instance_names

from . import scenes

SIZE = (64, 40)


@pytest.fixture
def scene() -> bpy.types.Scene:
    """Cubes: three objects of one mesh, and one collection twice."""
    scene = scenes.empty()
    scenes.add("Ground", scenes.mesh("plane", "Ground", 30.0))
    block, inner = scenes.mesh("cube", "Block"), bpy.data.collections.new("Inner")
    for x in (-3.0, -1.5, 0.0):
        scenes.add(f"Tree {x}", block, (x, 0, 0.5))
    scenes.add("Part", block, (0, 0, 0.5), inner)
    for name, x in (("Häuschen", 1.5), ("Second", 3.0)):
        scenes.add(name, None, (x, 0, 0), instance_type="COLLECTION", instance_collection=inner)
    scenes.camera((0, -9, 4), (0, 0, 0.5))
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    bpy.context.view_layer.update()
    return scene


@pytest.fixture
def composited(tmp_path):
    """Renders the matte of a name in a layer of a Cryptomatte file with Blender's own node: float32 H×W."""

    def render(path, layer: str, name: str) -> np.ndarray:
        scene = bpy.data.scenes.new("Compositing")
        scene.render.resolution_x, scene.render.resolution_y = SIZE
        scene.camera = bpy.context.scene.camera
        tree = _tree(scene)
        node = tree.nodes.new("CompositorNodeCryptomatteV2")
        node.source, node.image = "IMAGE", bpy.data.images.load(str(path))
        node.layer_name = layer
        node.matte_id = name
        _show(tree, node.outputs["Matte"])
        return _rendered(scene, tmp_path / "matte.exr")

    return render


def _tree(scene):
    if hasattr(scene, "compositing_node_group"):
        scene.compositing_node_group = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
        return scene.compositing_node_group
    scene.use_nodes = True
    scene.node_tree.nodes.clear()
    return scene.node_tree


def _show(tree, socket):
    if bpy.app.version >= (5, 0):
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        tree.links.new(socket, tree.nodes.new("NodeGroupOutput").inputs[0])
    else:
        tree.links.new(socket, tree.nodes.new("CompositorNodeComposite").inputs[0])


def _rendered(scene, path) -> np.ndarray:
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    settings = scene.render.image_settings
    if bpy.app.version >= (5, 0):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_depth = "OPEN_EXR", "32"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    image = bpy.data.images.load(str(path))
    pixels = np.empty((SIZE[1], SIZE[0], 4), np.float32)
    image.pixels.foreach_get(pixels.ravel())
    bpy.data.images.remove(image)
    bpy.data.scenes.remove(scene)
    return pixels[::-1, :, 0]


@pytest.mark.parametrize("coverage", [0, 16])
def test_blenders_cryptomatte_node_reads_the_mattes(scene, composited, tmp_path, coverage):
    maps = api.capture(scene, coverage=coverage)
    (path,) = api.export_maps(maps, tmp_path, ["cryptomatte"])
    names = instance_names(maps.instances)
    assert {"Tree -3.0", "Part|Häuschen|0", "Part|Second|0"} <= set(names)
    for id in (names.index("Tree -3.0") + 1, names.index("Part|Häuschen|0") + 1):
        expected = (maps.instance_map == id).astype(np.float32) if not coverage else maps.coverage.matte(id)
        assert expected.max() == pytest.approx(1)
        assert composited(path, "CryptoInstance", names[id - 1]) == pytest.approx(expected, abs=1e-5)
    parts = [one.id for one in maps.instances if one.object == "Part"]
    expected = maps.coverage.matte(*parts) if coverage else np.isin(maps.instance_map, parts)
    assert composited(path, "CryptoObject", "Part") == pytest.approx(expected.astype(np.float32), abs=1e-5)
    trees = [one.id for one in maps.instances if one.class_name == "tree"]
    expected = maps.coverage.matte(*trees) if coverage else np.isin(maps.instance_map, trees)
    assert composited(path, "CryptoClass", "tree") == pytest.approx(expected.astype(np.float32), abs=1e-5)
