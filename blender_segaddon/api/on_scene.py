"""The scripting interface on a scene: ``C.scene.seg.generate("a harbour")``, the same in every install.

The name of the add-on's module depends on the repository that it was installed from; this does not.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy

from ..protocol.errors import SceneError
from . import baking, handlers, masking, meaning, pictures, placing, rendering, retouching, scene_maps, server, views

if TYPE_CHECKING:
    _on_scene = staticmethod  # a type checker then knows every argument, as of the function itself
else:

    class _on_scene:
        """A function of the interface that works on the scene it is asked of."""

        def __init__(self, function: Callable[..., Any]) -> None:
            self._function = function

        def __get__(self, instance: SceneFunctions | None, _owner: type) -> Callable[..., Any]:
            return self._function if instance is None else instance._bind(self._function)


class SceneFunctions:
    """``scene.seg``: what the scripting interface does, for this scene. Errors are ``SegAddonError``s.

    generate("a harbour at dawn") blocks until the pictures are there; with wait=False it gives a job at once, with
    done(), progress, cancel() and result().
    """

    # Making maps and pictures
    capture = _on_scene(scene_maps.capture)
    capture_views = _on_scene(scene_maps.capture_views)
    generate = _on_scene(pictures.generate)
    variation = _on_scene(pictures.variation)
    regenerate = _on_scene(pictures.regenerate)
    render_with_maps = _on_scene(rendering.render_with_maps)
    # In the scene
    project = _on_scene(placing.project)
    backdrop = _on_scene(placing.backdrop)
    image_plane = _on_scene(placing.image_plane)
    reference = _on_scene(placing.reference)
    compositor_input = _on_scene(placing.compositor_input)
    use_camera_of = _on_scene(placing.use_camera_of)
    placements = _on_scene(placing.placements)
    update = _on_scene(placing.update)
    set_lighting = _on_scene(placing.set_lighting)
    remove_placement = _on_scene(placing.remove_placement)
    next_view = _on_scene(views.next_view)
    coverage = _on_scene(views.coverage)
    suggest_cameras = _on_scene(views.suggest_cameras)
    bake = _on_scene(baking.bake)
    apply_bake = _on_scene(baking.apply_bake)
    remove_bake = _on_scene(baking.remove_bake)
    # Masks and retouching
    segment = _on_scene(masking.segment)
    inpaint = _on_scene(retouching.inpaint)
    remove = _on_scene(retouching.remove)
    extend = _on_scene(retouching.extend)
    # What things are
    class_of = _on_scene(meaning.class_of)
    set_class = _on_scene(meaning.set_class)
    set_text = _on_scene(meaning.set_text)
    describe = _on_scene(meaning.describe)
    unclassed = _on_scene(meaning.unclassed)
    quality = _on_scene(scene_maps.quality)
    add_camera = _on_scene(scene_maps.add_camera)
    # Files, models, jobs
    export_maps = _on_scene(scene_maps.export_maps)
    export_dataset = _on_scene(scene_maps.export_dataset)
    maps_of = _on_scene(rendering.maps_of)
    save = _on_scene(pictures.save)
    styles = _on_scene(pictures.styles)
    models = _on_scene(server.models)
    check_server = _on_scene(server.check_server)
    unfinished = _on_scene(server.unfinished)
    resume = _on_scene(server.resume)
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

        @functools.wraps(function)
        def on_scene(*given: Any, **named: Any) -> Any:
            if takes_scene and "scene" not in named:
                named["scene"] = self._scene
            elif function in _CAPTURING and named.get("maps") is None:
                named["maps"] = scene_maps.capture(self._scene)
            return function(*given, **named)

        if takes_scene:
            kept = [one for one in signature.parameters.values() if one.name != "scene"]
            on_scene.__signature__ = signature.replace(parameters=kept)  # pyright: ignore[reportFunctionMemberAccess]
        return on_scene


_CAPTURING = {pictures.generate}
"""Functions that capture the active scene where they are given no maps."""


def of_scene(scene: bpy.types.Scene) -> SceneFunctions:
    """For ``bpy.types.Scene.seg``."""
    return SceneFunctions(scene)
