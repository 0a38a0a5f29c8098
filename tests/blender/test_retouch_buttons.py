"""Masks, inpainting and history by the Image Editor's operators, as scripts run them; the window has its own story."""

from __future__ import annotations

import os
from pathlib import Path

import bpy
import numpy as np
import pytest

import blender_segaddon
from blender_segaddon import api
from blender_segaddon.operators import retouch_history, retouch_masks

from .test_api import SIZE, scene  # noqa: F401  # a fixture

GREY = (12, 8)
needs_server = pytest.mark.skipif(
    "SEGADDON_SERVER_PYTHON" not in os.environ, reason="SEGADDON_SERVER_PYTHON is not set"
)


@pytest.fixture
def street(scene):  # noqa: F811
    """The scene with its picture; the add-on on."""
    blender_segaddon.register()
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    bpy.ops.segaddon.generate(prompt="sunset")
    yield scene
    blender_segaddon.unregister()


def image() -> bpy.types.Image:
    return bpy.context.scene.segaddon.picture


def centre(name: str) -> tuple[float, float]:
    """A place where the picture shows an object, in pixels from the top left corner."""
    maps = api.find_picture(image()).maps
    one = next(one for one in maps.instances if one.object == name)
    y, x = np.argwhere(maps.instance_map == one.id)[one.pixels // 2]
    return x + 0.5, y + 0.5


def shown_as(*names: str) -> np.ndarray:
    maps = api.find_picture(image()).maps
    return np.isin(maps.instance_map, [one.id for one in maps.instances if one.object in names])


def masked() -> np.ndarray | None:
    return retouch_masks.together(image(), SIZE)


def plain(name: str = "Photo", size: tuple[int, int] = GREY) -> bpy.types.Image:
    """An image from elsewhere: grey, with a red square."""
    made = bpy.data.images.new(name, *size)
    pixels = np.full((size[1], size[0], 4), 0.5, np.float32)
    pixels[2:5, 3:7] = (1, 0, 0, 1)
    made.pixels.foreach_set(pixels.ravel())
    made.pack()
    return made


def push(message: str) -> None:
    bpy.ops.ed.undo_push(message=message)


def test_a_click_masks_the_object_exactly(street):
    assert bpy.ops.segaddon.mask_click(at=centre("Car")) == {"FINISHED"}
    assert (masked() == shown_as("Car")).all()
    (mask,) = image().segaddon.masks
    assert (mask.name, retouch_masks.chosen(mask).source) == ("Car", "scene")
    assert image().segaddon.is_open


def test_shift_adds_and_ctrl_takes_away(street):
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    bpy.ops.segaddon.mask_click(at=centre("House"), how="ADD")
    assert (masked() == shown_as("Car", "House")).all()
    bpy.ops.segaddon.mask_click(at=centre("Car"), how="TAKE")
    assert (masked() == shown_as("House")).all()
    (mask,) = image().segaddon.masks
    assert [one.positive for one in mask.points] == [True, True, False]
    assert retouch_masks.chosen(mask).label == "House"
    with pytest.raises(RuntimeError, match="Nothing of the mask would be left"):
        bpy.ops.segaddon.mask_click(at=centre("House"), how="TAKE")
    assert (masked() == shown_as("House")).all()


def test_a_click_begins_anew_until_the_mask_is_accepted(street):
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    bpy.ops.segaddon.mask_click(at=centre("House"))
    assert [one.name for one in image().segaddon.masks] == ["House"]
    bpy.ops.segaddon.mask_accept()
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    assert [one.name for one in image().segaddon.masks] == ["House", "Car"]
    assert (masked() == shown_as("Car", "House")).all()
    bpy.ops.segaddon.mask_clear()
    assert [one.name for one in image().segaddon.masks] == ["House"]


def test_candidates_go_round(street):
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    assert bpy.ops.segaddon.mask_candidate() == {"FINISHED"}
    assert (masked() == shown_as("Car", "Car.001")).all()
    bpy.ops.segaddon.mask_candidate()
    assert (masked() == shown_as("Car")).all()
    bpy.ops.segaddon.mask_candidate(step=-1)
    assert (masked() == shown_as("Car", "Car.001")).all()


def test_a_box_and_words_and_the_selection(street):
    maps = api.find_picture(image()).maps
    bpy.ops.segaddon.mask_box(box=next(one for one in maps.instances if one.object == "House").bbox)
    assert (masked() == shown_as("House")).all()
    bpy.ops.segaddon.mask_remove()
    bpy.ops.segaddon.mask_of(what="TEXT", text="car")
    assert (masked() == shown_as("Car", "Car.001")).all()
    bpy.ops.segaddon.mask_remove()
    bpy.ops.object.select_all(action="DESELECT")
    bpy.data.objects["House"].select_set(True)
    bpy.ops.segaddon.mask_of(what="SELECTED")
    assert (masked() == shown_as("House")).all()
    bpy.data.objects["House"].select_set(False)
    with pytest.raises(RuntimeError, match="No object is selected"):
        bpy.ops.segaddon.mask_of(what="SELECTED")


def test_masks_are_combined_and_changed_by_numbers(street):
    for name in ("Car", "House"):
        bpy.ops.segaddon.mask_click(at=centre(name))
        bpy.ops.segaddon.mask_accept()
    car, house = image().segaddon.masks
    house.mode = "SUBTRACT"
    assert (masked() == shown_as("Car") & ~shown_as("House")).all()
    house.mode = "INTERSECT"
    assert not masked().any()
    house.invert = True
    assert (masked() == shown_as("Car")).all()
    house.use = False
    car.grow = 3
    wider = masked()
    assert wider.sum() > shown_as("Car").sum()
    assert (wider | shown_as("Car") == wider).all()
    car.grow = -1
    assert masked().sum() < shown_as("Car").sum()
    assert bpy.ops.segaddon.mask_bake() == {"FINISHED"}
    baked, before = masked(), image().segaddon.masks[-1]
    assert before.use
    assert baked.any()
    assert [one.use for one in image().segaddon.masks] == [False, False, True]


def test_the_list_is_ordered_and_names_stay_apart(street):
    for _ in range(2):
        bpy.ops.segaddon.mask_click(at=centre("Car"))
        bpy.ops.segaddon.mask_accept()
    bpy.ops.segaddon.mask_copy()
    assert [one.name for one in image().segaddon.masks] == ["Car", "Car.001", "Car.002"]
    assert bpy.ops.segaddon.mask_move(direction="UP") == {"FINISHED"}
    assert [one.name for one in image().segaddon.masks] == ["Car", "Car.002", "Car.001"]
    bpy.ops.segaddon.mask_remove()
    assert [one.name for one in image().segaddon.masks] == ["Car", "Car.001"]


def test_inpaint_choose_accept_and_go_back(street):
    first = image()
    before = api.find_picture(first).pixels.copy()
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    mask = masked().copy()
    assert bpy.ops.segaddon.inpaint(prompt="red brick", intent="REPLACE", count=2) == {"FINISHED"}
    assert [one.did for one in first.segaddon.results] == ["Replace: red brick"] * 2
    assert image() == first
    with pytest.raises(RuntimeError, match="Accept or discard"):
        bpy.ops.segaddon.inpaint(prompt="snow")
    bpy.ops.segaddon.result_next()
    second = first.segaddon.results[1].image
    count = len(bpy.data.images)
    assert bpy.ops.segaddon.result_accept() == {"FINISHED"}
    assert image() == second
    assert len(bpy.data.images) == count - 1
    after = api.find_picture(second).pixels
    assert (after[~mask] == before[~mask]).all()
    assert (after[mask] != before[mask]).any()
    assert [one.did for one in retouch_history.steps_of(second)] == ["Original", "Replace: red brick"]
    assert [one.use for one in second.segaddon.masks] == [False]
    assert bpy.ops.segaddon.history_show(step=0) == {"FINISHED"}
    assert image() == first
    assert (api.find_picture(first).pixels == before).all()
    bpy.ops.segaddon.history_show(step=1)
    assert image() == second


def test_discard_leaves_nothing(street):
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    count = len(bpy.data.images)
    bpy.ops.segaddon.inpaint(prompt="gold", count=2)
    assert len(bpy.data.images) == count + 2
    assert bpy.ops.segaddon.result_discard() == {"FINISHED"}
    assert len(bpy.data.images) == count
    assert not len(image().segaddon.steps)


def test_candidates_that_nobody_chose_from_do_not_pile_up(street, monkeypatch):
    from blender_segaddon.operators import retouch_results

    monkeypatch.setattr(retouch_results, "_MOST", 3)
    others = [plain(f"Photo {number}", (64, 48)) for number in range(3)]
    mask = np.zeros((48, 64), bool)
    mask[10:30, 20:40] = True
    for number, other in enumerate(others):
        retouch_masks.fill(retouch_masks.add(other, "Painted"), [api.Mask(mask, 1.0, "Painted", source="script")])
        bpy.ops.segaddon.inpaint(image=other.name, prompt="gold", count=2)
        other.segaddon.results[0].made = number
    assert [len(one.segaddon.results) for one in others] == [0, 0, 2], "the oldest go"
    count = len(bpy.data.images)
    assert bpy.ops.segaddon.purge_results() == {"FINISHED"}
    assert len(bpy.data.images) == count - 2
    assert [len(one.segaddon.results) for one in others] == [0, 0, 0]


def test_remove_shows_what_is_behind(street):
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    assert bpy.ops.segaddon.remove() == {"FINISHED"}
    bpy.ops.segaddon.result_accept()
    assert retouch_history.steps_of(image())[1].did == "Remove"


def test_undo_and_redo_of_each_step(street):
    first = image().name
    push("Picture")
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    push("Click")
    bpy.ops.segaddon.inpaint(prompt="gold")
    push("Inpaint")
    bpy.ops.segaddon.result_accept()
    push("Accept")
    second = image().name
    assert second != first
    bpy.ops.ed.undo()
    assert image().name == first
    assert len(image().segaddon.results) == 1
    bpy.ops.ed.undo()
    assert not len(image().segaddon.results)
    assert (masked() == shown_as("Car")).all()
    bpy.ops.ed.undo()
    assert not len(image().segaddon.masks)
    for _ in range(3):
        bpy.ops.ed.redo()
    assert image().name == second
    assert max(image().pixels[:400]) > 0


def test_masks_and_history_survive_save_and_reload(street, tmp_path):
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    mask = masked().copy()
    bpy.ops.segaddon.inpaint(prompt="gold")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "street.blend"))
    bpy.ops.segaddon.result_accept()
    image().segaddon.masks[0].use = True
    bpy.ops.segaddon.inpaint(prompt="snow")
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "street.blend"))
    assert [one.did for one in retouch_history.steps_of(image())] == ["Original", "Replace: gold"]
    assert (masked() == mask).all()
    assert [one.did for one in image().segaddon.results] == ["Replace: snow"]
    for one in (*image().segaddon.results, *retouch_history.steps_of(image())):
        assert max(one.image.pixels[:400]) > 0
    assert bpy.ops.segaddon.result_accept() == {"FINISHED"}
    assert len(retouch_history.steps_of(image())) == 3
    bpy.ops.segaddon.history_show(step=0)
    image().segaddon.masks[0].use = True
    assert bpy.ops.segaddon.inpaint(prompt="grass") == {"FINISHED"}


def test_clicks_find_objects_after_the_file_was_opened_again(street, tmp_path):
    """Of generated and of accepted pictures; nothing is captured or asked of a server."""
    api.configure(api.Connection(address="http://127.0.0.1:9"))  # nobody is there
    car, house = centre("Car"), centre("House")
    truth = shown_as("Car"), shown_as("House"), shown_as("Car", "Car.001")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "street.blend"))
    first = image().name
    api.accept(image())
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "street.blend"))
    assert api.find_picture(bpy.data.images[first]) is None
    bpy.ops.segaddon.mask_click(at=car)
    assert (masked() == truth[0]).all()
    bpy.ops.segaddon.mask_click(at=house)
    assert (masked() == truth[1]).all()
    bpy.ops.segaddon.mask_remove()
    bpy.ops.segaddon.mask_of(what="TEXT", text="car")
    assert (masked() == truth[2]).all()
    api.configure(api.DEFAULT_CONNECTION)


def test_what_was_said_of_a_result_and_painted_on_it_is_kept(street, tmp_path):
    """Accepted beside the file, a result keeps its masks and steps, and the strokes that it got meanwhile."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "street.blend"))
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    bpy.ops.segaddon.inpaint(prompt="gold")
    result = image().segaddon.results[0].image
    retouch_masks.fill(
        retouch_masks.add(result, "Mine"), [api.Mask(np.eye(*SIZE[::-1], dtype=bool), 1.0, "Mine", source="script")]
    )
    result.segaddon.feather = 5
    pixels = np.array(result.pixels[:], np.float32)
    pixels[:400] = 1.0  # a stroke
    result.pixels.foreach_set(pixels)
    bpy.ops.segaddon.result_accept()
    assert image() == result
    assert Path(bpy.path.abspath(result.filepath)).exists()
    assert result.segaddon.feather == 5
    assert [one.name for one in result.segaddon.masks] == ["Mine", "Car"]
    assert retouch_history.origin_of(result) != result
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "street.blend"))
    assert (np.array(image().pixels[:400]) == 1.0).all()
    assert [one.name for one in image().segaddon.masks] == ["Mine", "Car"]


def test_an_image_by_name_needs_no_editor(street):
    name = image().name
    place, street.segaddon.picture = centre("Car"), None
    assert bpy.ops.segaddon.mask_click(image=name, at=place) == {"FINISHED"}
    assert bpy.ops.segaddon.inpaint(image=name, prompt="gold") == {"FINISHED"}
    assert bpy.ops.segaddon.result_accept(image=name) == {"FINISHED"}
    assert len(bpy.data.images[name].segaddon.steps) == 2
    with pytest.raises(RuntimeError, match="No picture is open"):
        bpy.ops.segaddon.mask_click(at=place)


def test_any_image_can_be_inpainted_by_a_mask(street):
    photo = plain(size=(64, 48))
    street.segaddon.picture = photo
    mask = np.zeros((48, 64), bool)
    mask[10:30, 20:40] = True
    retouch_masks.fill(retouch_masks.add(photo, "Painted"), [api.Mask(mask, 1.0, "Painted", source="script")])
    before = api.as_picture(photo).pixels
    assert bpy.ops.segaddon.remove() == {"FINISHED"}
    bpy.ops.segaddon.result_accept()
    after = api.as_picture(image()).pixels
    assert (after[~mask] == before[~mask]).all()


@pytest.mark.parametrize(
    ("operator", "options", "message"),
    [
        ("mask_click", {"at": (-5, 3)}, "outside the picture"),
        ("mask_click", {"at": (9999, 3)}, "outside the picture"),
        ("mask_click", {"at": (1, 1), "image": "Nothing"}, "no image 'Nothing'"),
        ("mask_click", {"at": (1, 1), "how": "TAKE"}, "no mask to take anything from"),
        ("mask_box", {"box": (5, 5, 5, 5)}, "empty"),
        ("mask_of", {"what": "TEXT", "text": " "}, "No words"),
        ("mask_of", {"what": "TEXT", "text": "zeppelin"}, "zeppelin"),
        ("history_show", {"step": 3}, "no step 3"),
        ("inpaint", {"prompt": "gold"}, "Nothing is masked"),
        ("remove", {}, "Nothing is masked"),
        ("mask_clear", {}, "no mask"),
        ("mask_candidate", {}, "no mask"),
        ("mask_remove", {}, "no active mask"),
        ("result_accept", {}, "no result"),
    ],
)
def test_bad_input_is_reported_and_changes_nothing(street, operator, options, message):
    with pytest.raises(RuntimeError, match=message):
        getattr(bpy.ops.segaddon, operator)(**options)
    assert not len(image().segaddon.masks)


def test_a_mask_of_another_size_does_not_count_and_says_so(street):
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    image().scale(32, 32)
    with pytest.raises(RuntimeError, match="another size"):
        bpy.ops.segaddon.inpaint(prompt="gold")
    assert len(image().segaddon.masks) == 1


def test_an_empty_mask_and_no_prompt_are_reported(street):
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    with pytest.raises(RuntimeError, match="Type a prompt"):
        bpy.ops.segaddon.inpaint()
    image().segaddon.masks[0].grow = -512
    with pytest.raises(RuntimeError, match="mask is empty"):
        bpy.ops.segaddon.inpaint(prompt="gold")


def test_what_cannot_be_done_is_not_offered(street):
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.ui_type = "IMAGE_EDITOR"
    with bpy.context.temp_override(window=window, area=area):
        assert not bpy.ops.segaddon.mask_of.poll()
        area.spaces.active.image = image()
        assert bpy.ops.segaddon.mask_of.poll()
        for operator in ("inpaint", "remove", "mask_remove", "mask_clear", "result_accept"):
            assert not getattr(bpy.ops.segaddon, operator).poll(), operator
        bpy.ops.segaddon.mask_click(at=centre("Car"))
        for operator in ("inpaint", "remove", "mask_remove", "mask_clear"):
            assert getattr(bpy.ops.segaddon, operator).poll(), operator
    movie = bpy.data.images.new("Movie", 8, 8)
    movie.source = "TILED"
    assert retouch_masks.refusal(movie, street)


def test_the_image_goes_in_the_middle(street):
    """Deleted while something is made of it: the result is kept."""
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    from blender_segaddon.operators import retouch_results

    class Stub:
        _image, _size = image().name, SIZE

        def did(self):
            return "Test"

    picture = api.find_picture(image())
    made = api.inpaint(picture, retouch_masks.as_given(image(), SIZE), "gold")
    bpy.data.images.remove(image())
    with pytest.raises(api.SegAddonError, match="deleted or changed meanwhile"):
        retouch_results.SEGADDON_OT_inpaint.finish(Stub(), bpy.context, street, made)
    assert made[0].image.name in bpy.data.images


def test_a_damaged_mask_does_not_count(street):
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    retouch_masks.chosen(image().segaddon.masks[0]).code = "160x96:rubbish"
    with pytest.raises(RuntimeError, match="damaged"):
        bpy.ops.segaddon.inpaint(prompt="gold")
