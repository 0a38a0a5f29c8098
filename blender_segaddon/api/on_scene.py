"""The scripting interface on a scene: ``C.scene.seg.generate("a harbour")``, the same in every install.

The name of the add-on's module depends on the repository that it was installed from; this does not.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import bpy

from ..protocol.errors import SceneError
from . import (
    baking,
    handlers,
    look_assets,
    masking,
    meaning,
    pictures,
    placing,
    rendering,
    retouching,
    scene_maps,
    server,
    views,
)

F = TypeVar("F", bound=Callable[..., Any])


class _OnScene(Generic[F]):
    """A function of the interface that works on the scene it is asked of; for type checkers it stays what it is."""

    def __init__(self, function: F) -> None:
        self._function = function

    def __get__(self, instance: SceneFunctions | None, _owner: type) -> F:
        return self._function if instance is None else cast(F, instance._bind(self._function))


class SceneFunctions:
    """``scene.seg``: what the scripting interface does, for this scene. Errors are ``SegAddonError``s.

    generate("a harbour at dawn") blocks until the pictures are there; with wait=False it gives a job at once, with
    done(), progress, cancel() and result().
    """

    # Making maps and pictures
    capture = _OnScene(scene_maps.capture)
    capture_views = _OnScene(scene_maps.capture_views)
    generate = _OnScene(pictures.generate)
    variation = _OnScene(pictures.variation)
    regenerate = _OnScene(pictures.regenerate)
    render_with_maps = _OnScene(rendering.render_with_maps)
    # In the scene
    project = _OnScene(placing.project)
    backdrop = _OnScene(placing.backdrop)
    image_plane = _OnScene(placing.image_plane)
    reference = _OnScene(placing.reference)
    compositor_input = _OnScene(placing.compositor_input)
    use_camera_of = _OnScene(placing.use_camera_of)
    placements = _OnScene(placing.placements)
    update = _OnScene(placing.update)
    set_lighting = _OnScene(placing.set_lighting)
    remove_placement = _OnScene(placing.remove_placement)
    next_view = _OnScene(views.next_view)
    coverage = _OnScene(views.coverage)
    suggest_cameras = _OnScene(views.suggest_cameras)
    bake = _OnScene(baking.bake)
    apply_bake = _OnScene(baking.apply_bake)
    remove_bake = _OnScene(baking.remove_bake)
    # Masks and retouching
    segment = _OnScene(masking.segment)
    inpaint = _OnScene(retouching.inpaint)
    remove = _OnScene(retouching.remove)
    extend = _OnScene(retouching.extend)
    # What things are
    class_of = _OnScene(meaning.class_of)
    set_class = _OnScene(meaning.set_class)
    set_text = _OnScene(meaning.set_text)
    describe = _OnScene(meaning.describe)
    unclassed = _OnScene(meaning.unclassed)
    quality = _OnScene(scene_maps.quality)
    add_camera = _OnScene(scene_maps.add_camera)
    # Files, models, jobs
    export_maps = _OnScene(scene_maps.export_maps)
    export_usd = _OnScene(baking.export_usd)
    export_dataset = _OnScene(scene_maps.export_dataset)
    maps_of = _OnScene(rendering.maps_of)
    save = _OnScene(pictures.save)
    save_look = _OnScene(look_assets.save_look)
    apply_look = _OnScene(look_assets.apply_look)
    looks = _OnScene(look_assets.looks)
    styles = _OnScene(pictures.styles)
    models = _OnScene(server.models)
    check_server = _OnScene(server.check_server)
    unfinished = _OnScene(server.unfinished)
    resume = _OnScene(server.resume)
    handlers = handlers

    def __init__(self, scene: bpy.types.Scene) -> None:
        self._name = scene.name  # no reference: an undo would leave it dangling

    def __repr__(self) -> str:
        return f"<SegAddon of the scene {self._name!r}: {', '.join(dir(self))}>"

    def __dir__(self) -> list[str]:
        return [name for name in vars(type(self)) if not name.startswith("_")]

    @property
    def _scene(self) -> bpy.types.Scene:
        found = bpy.data.scenes.get(self._name)
        if found is None:
            raise SceneError(f"There is no scene {self._name!r} any more", "Ask the scene again: bpy.context.scene.seg")
        return found

    def _bind(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function without its ``scene``; where it captures by itself, it captures this one."""
        signature = inspect.signature(function)
        takes_scene = "scene" in signature.parameters
        place = _place_of_scene(signature)

        @functools.wraps(function)
        def on_scene(*given: Any, **named: Any) -> Any:
            if place is not None and len(given) > place:
                given = (*given[:place], self._scene, *given[place:])
            elif takes_scene and "scene" not in named:
                named["scene"] = self._scene
            elif function in _CAPTURING and named.get("maps") is None:
                named["maps"] = scene_maps.capture(self._scene)
            return function(*given, **named)

        if takes_scene:
            kept = [one for one in signature.parameters.values() if one.name != "scene"]
            on_scene.__signature__ = signature.replace(parameters=kept)  # pyright: ignore[reportFunctionMemberAccess]
        return on_scene


def _place_of_scene(signature: inspect.Signature) -> int | None:
    """After how many positional arguments the scene comes; None where it is none of them."""
    parameters = list(signature.parameters.values())
    places = [k for k, one in enumerate(parameters) if one.name == "scene" and one.kind is not one.KEYWORD_ONLY]
    return places[0] if places else None


_CAPTURING = {pictures.generate}
"""Functions that capture the active scene where they are given no maps."""


def of_scene(scene: bpy.types.Scene) -> SceneFunctions:
    """For ``bpy.types.Scene.seg``."""
    return SceneFunctions(scene)
