"""The scripting interface in a real Blender, with and without a real server."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon import api
from blender_segaddon.flows.picture import forget_all
from blender_segaddon.protocol.errors import Cancelled, InvalidInput, SceneError, SegAddonError

SIZE = (160, 96)


@pytest.fixture
def scene() -> bpy.types.Scene:
    """A road, a house, two cars that share a mesh; camera and sun."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene

    def box(name: str, location: tuple[float, float, float], scale: tuple[float, float, float], mesh=None):
        if mesh is None:
            bpy.ops.mesh.primitive_cube_add(size=1)
            made = bpy.context.object
        else:
            made = bpy.data.objects.new(name, mesh)
            scene.collection.objects.link(made)
        made.name, made.location, made.scale = name, location, scale
        return made

    box("Road", (0, 0, -0.05), (14, 14, 0.1))
    box("House", (-2, 3, 1.5), (3, 3, 3))
    car = box("Car", (0.5, -1, 0.5), (2, 1, 0.9))
    box("Car.001", (3, 1, 0.5), (2, 1, 0.9), car.data)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, -9, 4), (1.2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    bpy.context.view_layer.update()
    return scene


@pytest.fixture
def maps(scene) -> api.SceneMaps:
    return api.capture(scene, size=SIZE)


@pytest.fixture
def picture(maps) -> api.Picture:
    return api.generate("sunset", maps=maps, seed=3)[0]


def test_main_way(scene, picture):
    assert picture.pixels.shape == (SIZE[1], SIZE[0], 3)
    assert picture.array.shape == (SIZE[1], SIZE[0], 4)
    placement = api.project(picture)
    backdrop = api.backdrop(picture)
    assert [one.name for one in api.placements(scene)] == [placement.name, backdrop.name]
    api.remove_placement(placement)
    api.remove_placement(backdrop)
    assert api.placements(scene) == []


def test_same_seed_same_picture_and_regenerate(maps, picture):
    assert (api.generate("sunset", maps=maps, seed=3)[0].pixels == picture.pixels).all()
    assert (api.regenerate(picture).pixels == picture.pixels).all()
    assert (api.generate("sunset", maps=maps, seed=4)[0].pixels != picture.pixels).any()


def test_numbers_of_numpy_will_do(maps):
    made = api.generate(maps=maps, seed=np.int64(3), count=np.int64(2))
    assert [one.meta["seed"] for one in made] == [3, 4]
    api.project(made[0])
    assert made[0].image["seg_picture"]


def test_count_gives_consecutive_seeds(maps):
    both = api.generate(maps=maps, seed=2**32 - 1, count=2)
    assert [one.meta["seed"] for one in both] == [2**32 - 1, 0]
    assert (both[1].pixels == api.generate(maps=maps, seed=0)[0].pixels).all()


def test_click_finds_the_exact_object(maps, picture):
    car = next(one for one in maps.instances if one.object == "Car.001")
    y, x = np.argwhere(maps.instance_map == car.id)[car.pixels // 2]
    (mask,) = api.segment(picture, points=[(x + 0.5, y + 0.5)])
    assert mask.label == "Car.001"
    assert (mask.array == (maps.instance_map == car.id)).all()
    (boxed, *_) = api.segment(picture, box=car.bbox)
    assert boxed.label == "Car.001"
    (both, *_) = api.segment(picture, text="car")
    assert set(both.label.split(", ")) == {"Car", "Car.001"}
    (named,) = api.segment(picture, objects=["House"])
    assert named.label == "House"


def test_negative_point_takes_a_thing_out(maps, picture):
    centres = {}
    for one in maps.instances:
        y, x = np.argwhere(maps.instance_map == one.id)[one.pixels // 2]
        centres[one.object] = (x + 0.5, y + 0.5)
    together = api.segment(picture, points=[centres["Car"], centres["House"]])
    assert len(together) == 3
    (only,) = api.segment(picture, points=[centres["Car"], centres["House"]], labels=[1, 0])
    assert only.label == "Car"


def test_inpaint_changes_the_mask_alone(picture):
    (mask,) = api.segment(picture, objects=["Car"])
    made = api.inpaint(picture, mask, "red brick", seed=1)[0]
    assert (made.pixels[~mask.array] == picture.pixels[~mask.array]).all()
    assert (made.pixels[mask.array] != picture.pixels[mask.array]).any()
    gone = api.remove(made, mask)
    assert (gone.pixels[~mask.array] == picture.pixels[~mask.array]).all()


def test_image_finds_its_picture_again(picture):
    image = picture.image
    assert tuple(image.size) == SIZE
    (mask,) = api.segment(image, objects=["Car"])
    assert mask.array.any()
    assert api.inpaint(image, mask, "gold", seed=1)[0].maps is picture.maps


def test_images_are_known_by_more_than_their_name(picture):
    image = picture.image
    name = image.name
    image.name = "mine"
    assert picture.image == image
    assert api.segment(image, objects=["Car"])[0].array.any()
    other = bpy.data.images.new(name, *SIZE)
    with pytest.raises(InvalidInput):
        api.segment(other, objects=["Car"])


def test_what_was_painted_on_an_image_counts(picture):
    image = picture.image
    values = np.zeros(SIZE[0] * SIZE[1] * 4, np.float32)
    image.pixels.foreach_set(values)
    (mask,) = api.segment(image, objects=["Car"])
    made = api.inpaint(image, mask, "gold", seed=1)[0]
    assert not made.pixels[~mask.array].any()
    assert made.maps is picture.maps


def test_a_click_on_the_sky_counts_among_others(maps, picture):
    y, x = np.argwhere(maps.instance_map == 0)[0]
    car = next(one for one in maps.instances if one.object == "Car")
    cy, cx = np.argwhere(maps.instance_map == car.id)[0]
    both, *each = api.segment(picture, points=[(x, y), (cx, cy)])
    assert both.ids == (0, car.id)
    assert (both.array == np.isin(maps.instance_map, both.ids)).all()
    assert [one.label for one in each] == ["sky", "Car"]


def test_text_means_whole_words(maps, picture):
    with pytest.raises(InvalidInput):
        api.segment(picture, text="oa")  # in "Road"
    (road,) = api.segment(picture, text=" ROAD ")
    assert road.label == "Road"


def test_array_and_foreign_image_can_be_inpainted(picture):
    mask = np.zeros((SIZE[1], SIZE[0]), bool)
    mask[10:30, 20:50] = True
    floats = picture.pixels.astype(np.float32) / 255
    made = api.inpaint(floats, mask, "water", seed=1)[0]
    assert (made.pixels[~mask] == picture.pixels[~mask]).all()


def test_job_handle(maps):
    job = api.generate("snow", maps=maps, seed=1, wait=False)
    (made,) = job.result(timeout=60)
    assert job.done()
    assert job.progress == 1.0
    assert (made.pixels == api.generate("snow", maps=maps, seed=1)[0].pixels).all()


def test_cancel(maps):
    job = api.generate(maps=maps, seed=1, count=16, wait=False)
    job.cancel()
    with pytest.raises(Cancelled):
        job.result(timeout=60)


def test_update_keeps_what_stayed(scene, picture):
    placement = api.project(picture)
    old = picture.maps
    bpy.data.objects["Car"].location.x -= 1.5
    bpy.context.view_layer.update()
    api.update(placement)
    (again,) = api.placements(scene)
    fresh = api.picture_of(again)
    new = fresh.maps
    stayed = new.instance_map == next(one.id for one in new.instances if one.object == "Car.001")
    assert stayed.any()
    assert (fresh.pixels[stayed] == picture.pixels[stayed]).all()
    moved = (new.instance_map == next(one.id for one in new.instances if one.object == "Car")) & (
        old.instance_map != next(one.id for one in old.instances if one.object == "Car")
    )
    assert (fresh.pixels[moved] != picture.pixels[moved]).any()


def test_an_update_that_fails_leaves_the_old_picture(scene, picture):
    placement = api.project(picture, objects="Car")
    scene.camera.data.clip_end = 0.2
    with pytest.raises(SceneError):
        api.update(placement)
    (kept,) = api.placements(scene)
    assert kept.objects == ("Car",)
    assert api.picture_of(kept) is picture


def test_a_placement_can_be_updated_after_save_and_reload(picture, tmp_path):
    """Also in another session: nothing that this one remembers is used."""
    edited = api.inpaint(picture, api.segment(picture, objects="House")[0], "red brick", seed=1)[0]
    api.project(edited)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    forget_all()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    (placement,) = api.placements()
    known = api.picture_of(placement)
    assert known is not edited
    assert (known.pixels == edited.pixels).all()
    assert known.meta == edited.meta
    assert known.maps.instances == edited.maps.instances
    assert (api.regenerate(known).pixels == edited.pixels).all()
    bpy.data.objects["Car"].location.x -= 1.5
    bpy.context.view_layer.update()
    api.update(placement)
    (again,) = api.placements()
    fresh = api.picture_of(again)
    stayed = fresh.maps.instance_map == next(one.id for one in fresh.maps.instances if one.object == "House")
    assert (fresh.pixels[stayed] == edited.pixels[stayed]).all()


def test_a_damaged_picture_is_said(scene, picture):
    placement = api.project(picture)
    forget_all()
    bpy.data.node_groups[placement.name]["seg_picture"] = b"PK nonsense"
    with pytest.raises(InvalidInput, match="damaged"):
        api.update(placement)
    assert api.placements(scene) == [placement]


def test_update_stays_on_its_scene_and_objects(scene, picture):
    placement = api.project(picture, objects=[bpy.data.objects["Car"]])
    bpy.data.objects["House"].location.x -= 1
    scene.name = "Renamed"
    bpy.context.view_layer.update()
    (standing,) = api.placements(scene)
    assert api.update(standing).objects == placement.objects == ("Car",)


def test_colours_out_of_reach_are_said(scene, picture, caplog):
    scene.view_settings.view_transform = "AgX"
    red = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    red[..., 0] = 255
    api.backdrop(type(picture)(red, picture.recipe))
    assert "100.0 %" in caplog.text
    assert "AgX" in caplog.text


def test_project_leaves_no_image_behind(scene, picture):
    before = len(bpy.data.images)
    api.remove_placement(api.project(picture))
    assert len(bpy.data.images) == before


def test_export(maps, tmp_path):
    names = {path.name for path in api.export_maps(maps, tmp_path)}
    assert {"maps.npz", "legend.json", "camera.json", "semantic_map.png", "instance_map.png"} <= names


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (api.segment, InvalidInput),
        (lambda picture: api.segment(picture, points=[(999, 5)]), InvalidInput),
        (lambda picture: api.segment(picture, box=(5, 5, 5, 5)), InvalidInput),
        (lambda picture: api.segment(picture, text="submarine"), InvalidInput),
        (lambda picture: api.segment(picture, text=""), InvalidInput),
        (lambda picture: api.segment(picture, points=[(float("nan"), 5)]), InvalidInput),
        (lambda picture: api.segment(picture, points=[(5,)]), InvalidInput),
        (lambda picture: api.segment(picture, box=(1, 2, 3)), InvalidInput),
        (lambda picture: api.segment(picture, box=(0, 0, float("inf"), 5)), InvalidInput),
        (lambda picture: api.segment(picture, objects=[]), InvalidInput),
        (lambda picture: api.segment(picture, objects="No\nbody"), InvalidInput),
        (lambda picture: api.bake("Nobody"), SceneError),
        (lambda picture: api.segment(picture, objects=["Nobody"]), InvalidInput),
        (lambda picture: api.segment(picture.pixels, points=[(1, 1)], model="scene"), InvalidInput),
        (lambda picture: api.inpaint(picture, np.zeros((96, 160), bool), "x"), InvalidInput),
        (lambda picture: api.inpaint(picture, np.ones((5, 5), bool), "x"), InvalidInput),
        (lambda picture: api.inpaint(picture, np.ones((96, 160), bool), "x", intent="eat"), InvalidInput),
        (lambda picture: api.generate(maps=picture.maps, model="no-such-model"), SegAddonError),
        (lambda picture: api.generate(maps=picture.maps, seed=-1), InvalidInput),
        (lambda picture: api.generate(maps=picture.maps, count=0), InvalidInput),
        (lambda picture: api.generate(maps=picture.maps, count=1.5), InvalidInput),
        (lambda picture: api.generate(maps=picture.maps, seed="3"), InvalidInput),
        (lambda picture: api.generate(None, maps=picture.maps), InvalidInput),
        (lambda picture: api.generate(maps=picture.maps, image=picture, strength=float("nan")), InvalidInput),
        (lambda picture: api.generate(maps=picture.maps, image=np.zeros((5, 5, 3), np.uint8)), InvalidInput),
        (lambda picture: api.project(picture.pixels), InvalidInput),
        (lambda picture: api.project(picture, lighting="moon"), InvalidInput),
        (lambda picture: api.capture(size=(0, 5)), InvalidInput),
        (lambda picture: api.capture(engine="no-such-engine"), InvalidInput),
        (lambda picture: api.capture(background="no-such-class"), InvalidInput),
        (lambda picture: api.capture(bpy.data.scenes.new("Empty")), SceneError),
    ],
)
def test_bad_input_is_one_line_with_advice(picture, call, error):
    with pytest.raises(error) as caught:
        call(picture)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
