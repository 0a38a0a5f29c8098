"""What is projected on objects → textures of their own, and those in place of the projections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from .. import texturing
from ..core.atomic import storage_error
from ..core.roughness import roughness_of
from ..protocol.errors import Cancelled, InvalidInput, StorageError
from ..texturing import Baked, PlannedBake, View
from ..texturing.images import data_image, display_image
from . import placing

COLOURS = ("scene", "display")
"""Light that the scene's view turns into the picture; or the picture itself, as exporters and engines want it."""
LIGHTING = ("unlit", "lit")
Tell = Callable[[int, int], None]
"""(objects done, objects in all); may raise Cancelled."""


def plan(scene: bpy.types.Scene, objects: Sequence[bpy.types.Object], budget: int) -> list[PlannedBake]:
    """What a bake would do; see ``api.plan_bake``."""
    return texturing.plan(objects, [view for _, view in placing.views(scene)], budget)


def bake_steps(
    scene: bpy.types.Scene,
    objects: Sequence[bpy.types.Object],
    *,
    budget: int,
    layer: str | None = None,
    local_copies: bool = False,
    own_meshes: bool = False,
    colours: str = "scene",
    folder: Path | None = None,
) -> Iterator[tuple[bpy.types.Object, bpy.types.Image, str]]:
    """(object, its texture, name of the UV layer), one at a time; see ``api.bake``.

    Where it is stopped, by an error or by who asks, everything is as before.
    """
    if colours not in COLOURS:
        raise InvalidInput(f"Colours '{colours}' are unknown", f"Choose: {', '.join(COLOURS)}")
    views = [_as_light(scene, view) for _, view in placing.views(scene)]
    if not views:
        raise InvalidInput(f"No picture is projected in scene '{scene.name}'", "Project one first")
    made: list[bpy.types.Image] = []
    meshes = {"local_copies": local_copies, "own_meshes": own_meshes}
    steps = texturing.bake_steps(scene, objects, views, budget=budget, layer=layer, **meshes)
    try:
        for one in steps:
            made.append(_image(scene, one, colours, folder))
            yield one.object, made[-1], one.layer
    except BaseException:
        for image in made:
            bpy.data.images.remove(image)
        raise
    finally:
        steps.close()


def bake(
    scene: bpy.types.Scene, objects: Sequence[bpy.types.Object], tell: Tell | None = None, **options
) -> list[tuple[bpy.types.Object, bpy.types.Image, str]]:
    """``bake_steps`` to the end; ``tell`` hears of each object that is done, and may raise Cancelled."""
    steps, done = bake_steps(scene, objects, **options), []
    try:
        for one in steps:
            done.append(one)
            if tell is not None:
                tell(len(done), len(objects))
    except BaseException as error:
        steps.throw(error) if steps.gi_frame is not None else None  # so that what was made goes again
        raise
    return done


class BakeJob:
    """A bake that goes on by one object at each ``done()``: for a timer in Blender's window, which stays alive."""

    def __init__(
        self,
        scene: bpy.types.Scene,
        objects: Sequence[bpy.types.Object],
        lighting: str,
        roughness: bool = False,
        **options,
    ) -> None:
        check_look(lighting, roughness)
        self._scene, self._count, self._look = scene.name, len(objects), (lighting, roughness)
        self._made: list[tuple[bpy.types.Object, bpy.types.Image, str]] = []
        self._steps = bake_steps(scene, objects, **options)
        self._error: BaseException | None = None
        self._ended = False

    @property
    def progress(self) -> float:
        """0 .. 1"""
        return len(self._made) / max(1, self._count)

    @property
    def message(self) -> str:
        return f"Baking {len(self._made)} of {self._count}"

    def done(self) -> bool:
        """Bake the next object; whether that was the last."""
        if not self._ended:
            try:
                self._made.append(next(self._steps))
            except StopIteration:
                self._ended = True
            except BaseException as error:  # noqa: BLE001  # raised by result(), in the hands of who asked
                self._error, self._ended = error, True
        return self._ended

    def result(self) -> list[str]:
        """The rest at once; then the textures are put on. Gives the objects' names. Raises as ``api.bake``."""
        while not self.done():
            pass
        if self._error is not None:
            raise self._error
        return apply(bpy.data.scenes[self._scene], self._made, *self._look)

    def cancel(self) -> None:
        """End it; everything is as before."""
        if not self._ended:
            self._ended, self._error = True, Cancelled("The bake was cancelled")
            self._steps.close()

    def holds_scene(self) -> bool:
        """What is baked must not change meanwhile."""
        return not self._ended

    def let_go(self) -> None:
        """Nobody waits any more."""
        self.cancel()

    def wait(self, _seconds: float) -> bool:
        """There is no thread to wait for."""
        return True


def check_look(lighting: str, roughness: bool) -> None:
    """Raises InvalidInput for what textures cannot look like."""
    if lighting not in LIGHTING:
        raise InvalidInput(f"Lighting '{lighting}' is unknown", f"Choose: {', '.join(LIGHTING)}")
    if roughness and lighting != "lit":
        raise InvalidInput("Unlit textures reflect nothing: they have no roughness", "Choose lighting 'lit' for it")


def apply(
    scene: bpy.types.Scene,
    baked: Sequence[tuple[bpy.types.Object, bpy.types.Image, str]],
    lighting: str = "unlit",
    roughness: bool = False,
) -> list[str]:
    """Put textures on their objects in place of the projections; see ``api.apply_bake``. Gives the objects' names."""
    check_look(lighting, roughness)
    classes = {thing.object: thing.class_name for _, view in placing.views(scene) for thing in view.maps.instances}
    texturing.keep_copies([one for one, _, _ in baked])
    for placement, _ in placing.views(scene):
        texturing.remove(placement)
    for one, image, layer in baked:
        rough = roughness_of(classes.get(texturing.name_of(one))) if roughness else None
        texturing.put_bake(one, image, layer, lighting, rough)
    return [one.name for one, _, _ in baked]


def painted_objects(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The meshes of a scene that a projected picture is on, by name; what instancers make has no texture of its own."""
    names = {one.object for _, view in placing.views(scene) for one in view.maps.instances if not one.instancer}
    wanted = {texturing.name_of(one): one for one in scene.objects if one.type == "MESH" and one.library is None}
    return [wanted[name] for name in sorted(names & wanted.keys()) if wanted[name].data.polygons]


def _as_light(scene: bpy.types.Scene, view: View) -> View:
    light = texturing.emitted(texturing.to_scene_linear(view.pixels, scene).pixels, scene)
    return replace(view, pixels=texturing.stored(light))


def _image(scene: bpy.types.Scene, one: Baked, colours: str, folder: Path | None) -> bpy.types.Image:
    name = f"{texturing.UV_LAYER} {one.object.name}"
    if colours == "scene":
        image = data_image(name, one.light, pack=folder is None)
    else:
        shown = texturing.to_display(texturing.unexposed(one.light, scene), scene)
        image = display_image(name, np.rint(shown * 255).astype(np.uint8), pack=folder is None)
    texturing.mark_bake(image, one.object, one.layer)
    if folder is not None:
        _save(image, folder, "OPEN_EXR" if colours == "scene" else "PNG")
    return image


def _save(image: bpy.types.Image, folder: Path, kind: str) -> None:
    path = folder / texturing.file_name(image)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        image.filepath_raw, image.file_format = str(path), kind
        image.save()
    except (OSError, RuntimeError) as error:
        bpy.data.images.remove(image)
        if isinstance(error, OSError):
            raise storage_error(path, error) from error
        raise StorageError(f"{path} cannot be written", "Choose a folder that you may write to") from error
