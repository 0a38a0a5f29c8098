"""Maps against rays, on scenes with a known answer."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Matrix

# isort: split
import bmesh  # only there once bpy is imported

from blender_segaddon.capture import capture
from blender_segaddon.core.maps import NO_CLASS
from blender_segaddon.protocol.errors import Cancelled, InvalidInput, SceneError

from . import raycast, scenes

SIZE = (160, 90)


def ids_as_hit(maps, hits):
    """The ids that the hits should have in ``maps``: -1 for an instance that the maps do not know."""
    known = {(one.instancer, one.object, one.library, one.persistent_id): one.id for one in maps.instances}
    table = np.array([0, *(known.get(identity, -1) for identity in hits.identities)])
    return table[hits.index + 1]


def check_against_rays(maps, hits, agreement=0.999):
    """Ids, depth and normals of ``maps`` are those of ``hits``; returns the share of equal ids."""
    expected = ids_as_hit(maps, hits)
    same = maps.instance_map == expected
    assert same.mean() >= agreement
    both = same & (expected > 0)
    assert both.any()
    error = np.abs(maps.depth[both] / hits.depth[both] - 1)
    assert np.percentile(error, 99.9) <= 1e-4
    assert np.isinf(maps.depth[maps.instance_map == 0]).all()
    world = maps.normal[both] @ maps.camera.matrix_world[:3, :3].T
    angle = np.degrees(np.arccos(np.clip((world * hits.normal[both]).sum(axis=-1), -1, 1)))
    assert np.percentile(angle, 99) <= 0.5
    points = maps.camera.world_points(maps.depth)[both]
    pixels, distance = maps.camera.project(points)
    rows, columns = np.nonzero(both)
    assert np.abs(pixels - np.stack([columns + 0.5, rows + 0.5], axis=-1)).max() < 1e-3
    assert np.allclose(distance, maps.depth[both], rtol=1e-4)
    return same.mean()


def test_every_kind_of_instance_is_told_apart():
    scene = scenes.everything()
    maps = capture(scene, size=SIZE)
    check_against_rays(maps, raycast.cast(scene, scene.camera, SIZE, scenes.see_through))
    names = [one.object for one in maps.instances]
    for name, least in (("Tuft", 20), ("Seed", 10), ("Part A", 4), ("Part B", 4), ("Text", 1), ("Pipe", 1)):
        assert names.count(name) >= least, name
    for name in ("Leaf alpha", "Leaf mix", "No material", "Empty slot", "Duplicate -3", "Duplicate -1"):
        assert names.count(name) == 1, name


def test_a_panorama_measures_along_the_ray():
    scene = scenes.everything()
    bpy.data.objects.remove(scene.camera)
    camera = scenes.camera(at=(0, -0.9, 1.2), towards=(0, 5, 1.2), type="PANO")
    settings = camera.data if hasattr(camera.data, "panorama_type") else camera.data.cycles
    settings.panorama_type = "EQUIRECTANGULAR"
    maps = capture(scene, size=(120, 60))
    check_against_rays(maps, raycast.cast(scene, camera, (120, 60), scenes.see_through), agreement=0.998)
    settings.panorama_type = "MIRRORBALL"
    with pytest.raises(SceneError, match="MIRRORBALL"):
        capture(scene, size=(8, 8))


def test_pixel_aspect_and_render_size():
    scene = scenes.everything()
    scene.render.pixel_aspect_x = 2.0
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 320, 180, 50
    scene.render.use_border = scene.render.use_crop_to_border = True
    scene.render.border_max_x = 0.4
    maps = capture(scene)
    assert (maps.width, maps.height) == (160, 90)
    check_against_rays(maps, raycast.cast(scene, scene.camera, (160, 90), scenes.see_through), agreement=0.998)


def test_a_scaled_parented_animated_camera():
    scene = scenes.everything()
    crane = scenes.add("Crane", None, (0, 0, 0), scale=(2, 2, 2))
    scene.camera.parent = crane
    for frame, angle in ((1, 0.0), (11, 1.0)):
        crane.rotation_euler.z = angle
        crane.keyframe_insert("rotation_euler", frame=frame)
    scene.camera.location /= 2
    scene.frame_set(6)
    maps = capture(scene, size=(120, 68))
    assert maps.frame == 6
    check_against_rays(maps, raycast.cast(scene, scene.camera, (120, 68), scenes.see_through), agreement=0.998)


def test_ids_are_repeatable_and_describe_what_they_cover():
    scene = scenes.everything()
    first, second = capture(scene, size=SIZE), capture(scene, size=SIZE)
    assert np.array_equal(first.instance_map, second.instance_map)
    assert first.instances == second.instances
    order = [(one.instancer, one.object, one.library, one.persistent_id) for one in first.instances]
    assert order == sorted(order)
    assert [one.id for one in first.instances] == list(range(1, len(first.instances) + 1))
    for one in first.instances:
        rows, columns = np.nonzero(first.instance_map == one.id)
        assert one.pixels == len(rows)
        assert one.bbox == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    cube = next(one for one in first.instances if one.object == "Duplicate -3")
    assert np.allclose(np.array(cube.matrix_world).reshape(4, 4)[:3, 3], (-3.9, -2.5, 0.5))
    assert cube.key[1:] == pytest.approx((-3.9, -2.5))


def test_classes_come_from_names_properties_and_background():
    scene = scenes.empty()
    things = bpy.data.collections.new("Things")
    scene.collection.children.link(things)
    scenes.add("Chair.004", scenes.mesh(), (-3, 0, 0))
    marked = scenes.add("Xyzzy", scenes.mesh(name="Qwerty"), (-1, 0, 0))
    marked["seg_class"], marked["seg_text"] = "car", "a rusty beetle"
    scenes.add("Plugh", scenes.mesh(name="Foo"), (1, 0, 0), things)
    things["seg_class"] = "tree"
    bare = scenes.add("Bar", scenes.mesh(name="Bar"), (3, 0, 0))
    bare.data.materials.append(scenes.material("Mat"))
    bare.data.materials[0]["seg_class"] = "bed"
    scenes.add("Zork", scenes.mesh(name="Zork"), (5, 0, 0))
    scenes.camera(at=(0, -14, 0), towards=(0, 0, 0))
    maps = capture(scene, size=(128, 32))
    found = {one.object: (one.class_name, one.class_source) for one in maps.instances}
    assert found["Chair.004"] == ("chair", "object name")
    assert found["Xyzzy"] == ("car", "object property")
    assert found["Plugh"] == ("tree", "collection property")
    assert found["Bar"] == ("bed", "material property")
    assert found["Zork"] == (None, "none")
    assert next(one.text for one in maps.instances if one.object == "Xyzzy") == "a rusty beetle"
    for one in maps.instances:
        assert (maps.class_map[maps.instance_map == one.id] == one.class_id).all()
    assert (maps.class_map[maps.instance_map == 0] == 2).all()  # sky
    none = capture(scene, size=(128, 32), background="")
    assert (none.class_map[none.instance_map == 0] == NO_CLASS).all()


def test_an_instancer_s_property_is_stronger_than_its_prototype_s():
    scene = scenes.empty()
    inside = bpy.data.collections.new("Inside")
    scenes.add("Thing", scenes.mesh(), (0, 0, 0), inside)["seg_class"] = "bed"
    scenes.add("Left", None, (-2, 0, 0), instance_type="COLLECTION", instance_collection=inside)
    right = scenes.add("Right", None, (2, 0, 0), instance_type="COLLECTION", instance_collection=inside)
    right["seg_class"] = "car"
    scenes.camera(at=(0, -10, 0), towards=(0, 0, 0))
    maps = capture(scene, size=(64, 32))
    assert {one.instancer: (one.class_name, one.class_source) for one in maps.instances} == {
        "Left": ("bed", "object property"),
        "Right": ("car", "instancer property"),
    }


def visible(scene, **settings):
    return {one.object for one in capture(scene, size=(96, 54), **settings).instances}


def test_what_a_render_does_not_show_is_not_there():
    scene = scenes.empty()
    for x, name in enumerate(("Seen", "Not rendered", "Not for cameras", "Excluded", "Held out", "Catcher", "Smoke")):
        group = bpy.data.collections.new(name)
        scene.collection.children.link(group)
        scenes.add(name, scenes.mesh(name=name), (x * 1.5 - 4.5, 0, 0), group)
    bpy.data.objects["Not rendered"].hide_render = True
    bpy.data.objects["Not for cameras"].visible_camera = False
    bpy.data.objects["Catcher"].is_shadow_catcher = True
    layers = scene.view_layers[0].layer_collection.children
    layers["Excluded"].exclude = layers["Held out"].holdout = True
    smoke = scenes.material("Smoke")
    volume = smoke.node_tree.nodes.new("ShaderNodeVolumePrincipled")
    output = smoke.node_tree.get_output_node("CYCLES")
    smoke.node_tree.links.remove(output.inputs["Surface"].links[0])
    smoke.node_tree.links.new(volume.outputs[0], output.inputs["Volume"])
    bpy.data.objects["Smoke"].data.materials.append(smoke)
    scenes.add("Behind", scenes.mesh("plane", "Behind", 40), (0, 5, 0), rotation_euler=(1.57, 0, 0))
    scenes.camera(at=(0, -14, 0), towards=(0, 0, 0))
    assert visible(scene) == {"Seen", "Catcher", "Behind"}
    other = scene.view_layers.new("Other")
    assert visible(scene, view_layer=other) == {"Seen", "Catcher", "Behind", "Excluded", "Held out"}
    with pytest.raises(InvalidInput, match="Nowhere"):
        capture(scene, view_layer="Nowhere")


def test_depth_of_field_motion_blur_and_odd_settings_do_not_matter():
    scene = scenes.everything()
    plain = capture(scene, size=SIZE)
    scene.camera.data.dof.use_dof = True
    scene.camera.data.dof.aperture_fstop = 0.1
    scene.render.use_motion_blur = scene.render.use_multiview = scene.render.use_persistent_data = True
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = True
    scene.cycles.pixel_filter_type, scene.cycles.filter_width = "GAUSSIAN", 5.0
    scene.cycles.transparent_max_bounces = 0
    scene.view_layers[0].samples = 3
    scene.view_layers[0].use_pass_cryptomatte_object = True
    scene.view_layers[0].aovs.add().name = "Mine"
    scene.world = bpy.data.worlds.new("World")
    assert np.array_equal(capture(scene, size=SIZE).instance_map, plain.instance_map)


def test_a_bump_does_not_show_in_the_normals():
    scene = scenes.empty()
    wall = scenes.add("Wall", scenes.mesh("plane", size=20), rotation_euler=(1.5707963, 0, 0))
    bumpy = scenes.material("Bumpy")
    tree = bumpy.node_tree
    noise, bump = tree.nodes.new("ShaderNodeTexNoise"), tree.nodes.new("ShaderNodeBump")
    tree.links.new(noise.outputs[0], bump.inputs["Height"])
    tree.links.new(bump.outputs[0], next(n for n in tree.nodes if n.type == "BSDF_PRINCIPLED").inputs["Normal"])
    displace = tree.nodes.new("ShaderNodeDisplacement")
    tree.links.new(noise.outputs[0], displace.inputs["Height"])
    tree.links.new(displace.outputs[0], tree.get_output_node("CYCLES").inputs["Displacement"])
    wall.data.materials.append(bumpy)
    scenes.camera(at=(0, -5, 0), towards=(0, 0, 0))
    maps = capture(scene, size=(32, 18))
    assert np.allclose(maps.normal, (0, 0, 1), atol=1e-3)


def test_same_name_from_two_libraries_at_one_place(tmp_path):
    for library, x in (("a", -1.0), ("b", 1.0)):
        scenes.empty()
        data = scenes.mesh()
        data.transform(Matrix.Translation((x, 0, 0)))
        bpy.data.libraries.write(str(tmp_path / f"{library}.blend"), {scenes.add("Cube", data)}, fake_user=True)
    scene = scenes.empty()
    for library in ("a", "b"):
        with bpy.data.libraries.load(str(tmp_path / f"{library}.blend"), link=True) as (_, wanted):
            wanted.objects = ["Cube"]
        scene.collection.objects.link(wanted.objects[0])
    scenes.camera(at=(0, -8, 0), towards=(0, 0, 0))
    maps = capture(scene, size=(64, 36))
    left, right = maps.instance_map[18, 20], maps.instance_map[18, 43]
    assert len(maps.instances) == 2
    assert maps.instance(left).library.endswith("a.blend")
    assert maps.instance(right).library.endswith("b.blend")


@pytest.mark.parametrize("name", ["日本", "é", "Tür_Ölfaß", "new\nline", "🌲", "x" * 60])
def test_names_of_any_letters(name):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    for at, called in ((-2, name), (2, "Cube")):
        bpy.ops.mesh.primitive_cube_add(location=(at, 0, 0))
        bpy.context.object.name = called
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (0, 0, 12)
    scene.collection.objects.link(camera)
    scene.camera = camera
    maps = capture(scene, size=(64, 36))
    assert {one.object for one in maps.instances} == {name, "Cube"}
    assert maps.instance(int(maps.instance_map[18, 32 - 12])).object == name


def test_another_scene_than_the_active_one():
    first = scenes.everything()
    second = bpy.data.scenes.new("Second")
    second.collection.objects.link(bpy.data.objects["Duplicate -3"])
    second.camera = first.camera
    maps = capture(second, size=(64, 36))
    assert [one.object for one in maps.instances] == ["Duplicate -3"]
    assert maps.scene == "Second"


def test_unsaved_edits_of_edit_mode_are_seen():
    scene = scenes.empty()
    cube = scenes.add("Cube", scenes.mesh())
    scenes.camera(at=(0, -8, 0), towards=(0, 0, 0))
    bpy.context.view_layer.objects.active = cube
    bpy.ops.object.mode_set(mode="EDIT")
    form = bmesh.from_edit_mesh(cube.data)
    for vertex in form.verts:
        vertex.co *= 2
    bmesh.update_edit_mesh(cube.data)
    pixels = capture(scene, size=(64, 36)).instances[0].pixels
    assert bpy.context.mode == "EDIT_MESH"
    bpy.ops.object.mode_set(mode="OBJECT")
    assert pixels == capture(scene, size=(64, 36)).instances[0].pixels


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (16385, 10), (2.5, 10), (10,)])
def test_sizes_that_cannot_be(size):
    scene = scenes.everything()
    with pytest.raises(InvalidInput, match="pixels"):
        capture(scene, size=size)


def test_what_is_missing_is_said():
    scene = scenes.empty()
    with pytest.raises(SceneError, match="no camera"):
        capture(scene)
    camera = scenes.camera()
    with pytest.raises(SceneError, match="sees no object"):
        capture(scene, size=(8, 8))
    with pytest.raises(SceneError, match="is no camera"):
        capture(scene, camera=scenes.add("Cube", scenes.mesh()))
    with pytest.raises(InvalidInput, match="skyy"):
        capture(scene, background="skyy")
    with pytest.raises(InvalidInput, match="vocabulary"):
        capture(scene, vocabulary="nope")
    with pytest.raises(InvalidInput, match="engine"):
        capture(scene, engine="gpu9")
    with pytest.raises(Cancelled):
        capture(scene, camera=camera, size=(8, 8), cancelled=lambda: True)
