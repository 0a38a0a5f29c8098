"""The projected pictures in textures of the objects' own."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_segaddon import api, texturing
from blender_segaddon.flows.picture import Picture, Recipe
from blender_segaddon.protocol.errors import Cancelled, InvalidInput, SceneError, StorageError
from blender_segaddon.texturing.images import read_image
from blender_segaddon.texturing.uv_layers import read

from .cast import cast_maps
from .little import SIZE, camera, little_scene, psnr

BUDGET = 300_000


@pytest.fixture
def scene() -> bpy.types.Scene:
    scene = little_scene()
    scene.view_settings.view_transform = "Standard"
    return scene


def smooth_picture() -> np.ndarray:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    return np.stack([60 + x, 200 - y, 90 + x // 2], axis=-1).astype(np.uint8)


def checks() -> np.ndarray:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    return smooth_picture() + ((x // 6 + y // 6) % 2 * 35).astype(np.uint8)[..., None]


@pytest.fixture
def maps(scene) -> api.SceneMaps:
    """A picture is on the scene."""
    maps = cast_maps(scene, SIZE)
    api.project(Picture(smooth_picture(), Recipe(maps)), scene=scene)
    return maps


def test_the_baked_scene_shows_the_picture(scene, maps):
    ground = bpy.data.objects["Ground"]
    ground.data.uv_layers.new(name="Own")
    told = []
    images = api.apply_bake(budget=BUDGET, tell=lambda done, count: told.append((done, count)))
    names = ["Bare", "Ground", "Left", "Nodeless", "Right", "Slot"]
    assert [image.name for image in images] == [f"Seg Bake {name}" for name in sorted(names, key=_mesh_order(names))]
    assert told[-1] == (6, 6)
    assert sum(image.size[0] * image.size[1] for image in images) <= BUDGET * 1.02
    assert all(image.packed_file for image in images)
    assert api.placements() == []
    assert ground.data.uv_layers.active.name == "Own"
    assert [one.name for one in ground.data.uv_layers] == ["Own", "Seg Bake"]
    baked = [one.id for one in maps.instances if not one.instancer]
    seen = np.isin(maps.instance_map, baked)
    shown = texturing.render_view(scene, size=SIZE)
    assert psnr(shown, smooth_picture(), seen) >= 60
    assert sorted(api.remove_bake()) == names
    assert not [one for one in bpy.data.images if one.name.startswith("Seg Bake")]
    assert bpy.data.objects["Left"].active_material.name == "Red"
    assert not bpy.data.objects["Bare"].data.materials
    assert not [key for one in bpy.data.objects for key in one.keys() if key.startswith("seg_")]  # noqa: SIM118


@pytest.mark.parametrize("colours", ["scene", "display"])
def test_a_picture_with_hard_edges_comes_back_pixel_by_pixel(scene, colours):
    """Also of things that have moved since, once they are where they were."""
    maps = cast_maps(scene, SIZE)
    api.project(Picture(checks(), Recipe(maps)), scene=scene)
    left = bpy.data.objects["Left"]
    left.location, left.rotation_euler = (-3, 1, 4), (0.3, 1, 2)
    api.apply_bake(budget=BUDGET, colours=colours)
    left.location, left.rotation_euler = (-2, 0, 0.7), (0, 0, 0)
    seen = np.isin(maps.instance_map, [one.id for one in maps.instances if not one.instancer])
    assert psnr(texturing.render_view(scene, size=SIZE), checks(), seen) >= 55


def test_surfaces_thinner_than_a_texel_show_the_picture(scene):
    rim = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * 2.0
    corners = [(x, y, 0) for share in (1, 0.985) for x, y in (rim * share).tolist()]
    faces = [(one, (one + 1) % 4, (one + 1) % 4 + 4, one + 4) for one in range(4)]
    frame = bpy.data.objects.new("Frame", bpy.data.meshes.new("Frame"))
    frame.data.from_pydata(corners, [], faces)
    frame.location, frame.rotation_euler = (1, -2, 2), (1, 0, 0.5)
    scene.collection.objects.link(frame)
    maps = cast_maps(scene, SIZE)
    api.project(Picture(smooth_picture(), Recipe(maps)), scene=scene)
    api.apply_bake(["Frame"], budget=1200)
    seen = maps.instance_map == _id(maps, "Frame")
    assert seen.sum() > 20
    assert psnr(texturing.render_view(scene, size=SIZE), smooth_picture(), seen) >= 35


def test_what_no_picture_shows_is_made_from_what_is_near(scene, maps):
    api.apply_bake(["Left"], budget=40_000)
    back = camera(scene, "Back", (-6, 5, 2.5), (-2, 0, 0.7))
    shown = texturing.render_view(scene, camera=back, size=SIZE)[..., :3]
    here = cast_maps(scene, SIZE, back)
    left = _inner(here.instance_map == next(one.id for one in here.instances if one.object == "Left"))
    low, high = smooth_picture().min(axis=(0, 1)), smooth_picture().max(axis=(0, 1))
    assert ((shown[left] >= low - 3) & (shown[left] <= high + 3)).all()


def test_parts_that_pictures_show_get_the_texels(scene, maps):
    """The ground's top is seen, its sides and bottom hardly."""
    api.bake(["Ground"], budget=BUDGET)
    mesh = bpy.data.objects["Ground"].data
    uv = np.empty(len(mesh.loops) * 2, np.float32)
    mesh.uv_layers["Seg Bake"].uv.foreach_get("vector", uv)
    assert uv.min() >= 0
    assert uv.max() <= 1
    areas = {}
    for face in mesh.polygons:
        x, y = uv.reshape(-1, 2)[list(face.loop_indices)].T
        areas[tuple(round(value) for value in face.normal)] = (
            abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        )
    assert areas[0, 0, 1] > 20 * areas[0, 0, -1]


def test_the_plan_says_what_would_be_done(scene, maps):
    rows = {row.object: row for row in api.plan_bake(budget=BUDGET)}
    assert set(rows) == {"Ground", "Left", "Right", "Nodeless", "Slot", "Bare"}
    assert rows["Ground"].texels > rows["Bare"].texels > 0
    assert not bpy.data.objects["Ground"].data.uv_layers
    assert {row.copies_mesh for row in rows.values()} == {""}


def test_textures_of_a_scene_with_another_view(scene):
    scene.view_settings.view_transform = "AgX"
    maps = cast_maps(scene, SIZE)
    api.project(Picture(smooth_picture() // 2 + 50, Recipe(maps)), scene=scene)
    (light,) = api.bake(["Ground"], budget=40_000)
    (shown,) = api.bake(["Ground"], budget=40_000, colours="display")
    assert light.is_float
    assert not shown.is_float
    foretold = texturing.to_display(read_image(light)[..., :3], scene)
    assert np.abs(foretold - read_image(shown)[..., :3]).max() <= 2 / 255


def test_a_layer_of_the_users_own(scene, maps):
    mesh = bpy.data.objects["Ground"].data
    mesh.uv_layers.new(name="Overlapping")  # each face fills the image
    with pytest.raises(InvalidInput, match="overlap"):
        api.bake(["Ground"], uv_layer="Overlapping", budget=40_000)
    with pytest.raises(InvalidInput, match="no UV layer"):
        api.bake(["Ground"], uv_layer="Nobody", budget=40_000)
    mesh.uv_layers.new(name="Usable")
    for number, face in enumerate(mesh.polygons):
        for corner, loop in zip(((0, 0), (1, 0), (1, 1), (0, 1)), face.loop_indices, strict=True):
            place = np.array(corner) * 0.3 + (number % 3 / 3 + 0.01, number // 3 / 3 + 0.01)
            mesh.uv_layers["Usable"].uv[loop].vector = place.tolist()
    api.apply_bake(["Ground"], uv_layer="Usable", budget=90_000)
    assert "Seg Bake" not in mesh.uv_layers
    seen = maps.instance_map == next(one.id for one in maps.instances if one.object == "Ground")
    assert psnr(texturing.render_view(scene, size=SIZE), smooth_picture(), _inner(seen)) >= 40


def test_through_a_gltf_file(scene, maps, tmp_path):
    """What an engine gets: exported, imported into an empty file, and rendered from the same place."""
    api.apply_bake(budget=BUDGET, colours="display")
    matrix, lens = scene.camera.matrix_world.copy(), scene.camera.data.lens
    seen = _inner(np.isin(maps.instance_map, [one.id for one in maps.instances if not one.instancer]))
    path = tmp_path / "scene.glb"
    bpy.ops.export_scene.gltf(filepath=str(path), export_yup=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    again = bpy.context.scene
    again.view_settings.view_transform = "Standard"
    again.camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
    again.collection.objects.link(again.camera)
    again.camera.matrix_world, again.camera.data.lens = matrix, lens
    bpy.context.view_layer.update()
    assert psnr(texturing.render_view(again, size=SIZE), smooth_picture(), seen) >= 35


@pytest.mark.parametrize("lighting", ["unlit", "lit"])
def test_through_an_fbx_file(scene, maps, tmp_path, lighting):
    """As a game engine reads it: the textures lie beside the file, each on its object and by its own layer."""
    folder = tmp_path / "textures"
    api.apply_bake(["Ground", "Left"], budget=BUDGET, colours="display", folder=folder, lighting=lighting)
    path = tmp_path / "scene.fbx"
    bpy.ops.preferences.addon_enable(module="io_scene_fbx")
    bpy.ops.export_scene.fbx(filepath=str(path), path_mode="RELATIVE", object_types={"MESH"})
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="io_scene_fbx")
    bpy.ops.import_scene.fbx(filepath=str(path))
    for name in ("Ground", "Left"):
        one = bpy.data.objects[name]
        (material,) = {slot.material for slot in one.material_slots}
        (node,) = [node for node in material.node_tree.nodes if node.type == "TEX_IMAGE"]
        assert Path(bpy.path.abspath(node.image.filepath)).resolve() == folder / f"Seg Bake {name}.png"
        socket = "Emission Color" if lighting == "unlit" else "Base Color"
        assert node.outputs["Color"].links[0].to_socket.name == socket
        assert [layer.name for layer in one.data.uv_layers] == ["Seg Bake"]


def test_through_a_usd_file(scene, maps, tmp_path):
    folder = tmp_path / "textures"
    images = api.apply_bake(["Ground", "Left"], budget=BUDGET, colours="display", folder=folder)
    assert sorted(path.name for path in folder.iterdir()) == ["Seg Bake Ground.png", "Seg Bake Left.png"]
    assert not any(image.packed_file for image in images)
    path = tmp_path / "scene.usda"
    bpy.ops.wm.usd_export(filepath=str(path))
    text = path.read_text()
    assert "Seg Bake Ground.png" in text
    assert "UsdPreviewSurface" in text


def test_roughness_by_class(scene):
    """A constant of each object; off unless asked for."""
    bpy.data.objects["Left"].name, bpy.data.objects["Right"].name = "Window", "Hedge"
    maps = api.capture(scene, size=SIZE)
    api.project(Picture(smooth_picture(), Recipe(maps)), scene=scene)
    with pytest.raises(InvalidInput, match="nothing"):
        api.apply_bake(["Window"], budget=20_000, roughness=True)
    api.apply_bake(["Window", "Hedge", "Ground"], budget=BUDGET // 4, lighting="lit", roughness=True)
    surfaces = {name: bpy.data.objects[name].active_material.node_tree.nodes for name in ("Window", "Hedge")}
    rough = {name: nodes["Principled BSDF"].inputs["Roughness"].default_value for name, nodes in surfaces.items()}
    assert rough == {"Window": pytest.approx(0.05), "Hedge": pytest.approx(0.9)}


def test_cancelled_or_failed_leaves_no_trace(scene, maps, tmp_path):
    def stop(done: int, count: int) -> None:
        if done == 2:
            raise Cancelled("The bake was cancelled")

    before = {one.name for one in bpy.data.images}
    with pytest.raises(Cancelled):
        api.apply_bake(budget=BUDGET, tell=stop)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        api.bake(["Ground"], budget=BUDGET, folder=tmp_path / "file")
    assert {one.name for one in bpy.data.images} == before
    assert not any(mesh.uv_layers for mesh in bpy.data.meshes)
    assert len(api.placements()) == 1


def test_a_second_bake_that_is_cancelled_leaves_the_first_as_it_was(scene, maps):
    def uvs() -> list[float]:
        return [value for one in bpy.data.meshes["Ground"].uv_layers["Seg Bake"].uv for value in one.vector]

    def stop(done: int, _count: int) -> None:
        if done == 1:
            raise Cancelled("The bake was cancelled")

    api.bake(["Ground"], budget=BUDGET)
    before = uvs()
    with pytest.raises(Cancelled):
        api.apply_bake(["Ground", "Left"], budget=BUDGET // 8, tell=stop)
    assert uvs() == before


@pytest.mark.parametrize("applied", [True, False])
def test_a_bake_of_one_object_leaves_the_texture_of_another_with_its_mesh(scene, maps, applied):
    """Left and Right share a mesh."""

    def shown() -> np.ndarray:
        return texturing.render_view(scene, size=SIZE)[..., :3][right].astype(int)

    mesh = bpy.data.objects["Right"].data
    left, right = (_inner(maps.instance_map == _id(maps, name)) for name in ("Left", "Right"))
    (api.apply_bake if applied else api.bake)(["Left", "Right"], budget=BUDGET)
    before, layout = shown(), read(mesh, "Seg Bake")
    if applied:
        api.project(Picture(255 - smooth_picture(), Recipe(maps)), objects=["Left"], scene=scene)
    api.bake(["Left"], budget=BUDGET // 8)
    (api.apply_bake if applied else api.bake)(["Left"], budget=BUDGET // 8)
    assert [one.name for one in mesh.uv_layers] == ["Seg Bake", "Seg Bake 2"]
    assert (read(mesh, "Seg Bake") == layout).all()
    if applied:
        assert np.abs(shown() - before).max() <= 1
        assert psnr(texturing.render_view(scene, size=SIZE), 255 - smooth_picture(), left) >= 36


def test_a_linked_mesh_needs_leave(scene, tmp_path):
    path = str(tmp_path / "library.blend")
    bpy.data.libraries.write(path, {bpy.data.meshes["Ground"]})
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.meshes = ["Ground"]
    ground = bpy.data.objects["Ground"]
    ground.data = wanted.meshes[0]
    maps = cast_maps(scene, SIZE)
    api.project(Picture(smooth_picture(), Recipe(maps)), scene=scene)
    (row,) = api.plan_bake(["Ground"])
    assert Path(bpy.path.abspath(row.copies_mesh)).name == "library.blend"
    with pytest.raises(InvalidInput, match="linked"):
        api.bake(["Ground"], budget=40_000)
    api.bake(["Ground"], budget=40_000, local_copies=True)
    assert ground.data.library is None
    assert not wanted.meshes[0].uv_layers


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"objects": []}, InvalidInput, "nothing"),
        ({"objects": ["Sun"]}, InvalidInput, "no faces"),
        ({"objects": ["Nobody"]}, SceneError, "Nobody"),
        ({"objects": ["Ground"], "budget": 3}, InvalidInput, "texels"),
        ({"objects": ["Ground"], "colours": "pink"}, InvalidInput, "pink"),
        ({"objects": ["Hidden"]}, InvalidInput, "No picture"),
        ({"objects": ["Empty"]}, InvalidInput, "no faces"),
    ],
)
def test_what_cannot_be_baked_is_said(scene, maps, options, error, said):
    for name, mesh in (("Hidden", bpy.data.meshes["Nodeless"]), ("Empty", bpy.data.meshes.new("Empty"))):
        one = bpy.data.objects.new(name, mesh.copy())
        one.location = (0, 0, -40)
        scene.collection.objects.link(one)
    bpy.context.view_layer.update()
    with pytest.raises(error, match=said) as caught:
        api.bake(**{"budget": 40_000, **options})
    assert caught.value.hint
    assert not [one for one in bpy.data.images if "Seg Bake" in one.name]


def test_without_a_picture_there_is_nothing_to_bake(scene):
    with pytest.raises(InvalidInput):
        api.bake(["Ground"])


def _id(maps: api.SceneMaps, name: str) -> int:
    return next(one.id for one in maps.instances if one.object == name)


def _mesh_order(names: list[str]):
    """Objects that share a mesh are baked one after the other."""
    meshes = list(dict.fromkeys(bpy.data.objects[name].data.name for name in names))
    return lambda name: (meshes.index(bpy.data.objects[name].data.name), name)


def _inner(mask: np.ndarray) -> np.ndarray:
    """Without a border of one pixel, where texels are half painted."""
    out = mask.copy()
    for axis in (0, 1):
        for by in (-1, 1):
            out &= np.roll(mask, by, axis)
    return out
