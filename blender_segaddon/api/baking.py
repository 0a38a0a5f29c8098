"""Projections → textures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from .. import texturing
from ..flows import baking, placing, usd
from ..flows.baking import BakeJob, Tell
from ..texturing import PlannedBake
from .kinds import Objects

BUDGET = 4096 * 4096
"""Texels of all images together, when nobody says otherwise."""


def plan_bake(
    objects: Objects | None = None, *, budget: int = BUDGET, scene: bpy.types.Scene | None = None
) -> list[PlannedBake]:
    """What ``bake`` would do: texels of each object, and which linked meshes it would copy. Changes nothing.

    Raises as ``bake``.
    """
    scene = scene or bpy.context.scene
    return baking.plan(scene, _named(scene, objects), budget)


def bake(
    objects: Objects | None = None,
    *,
    budget: int = BUDGET,
    uv_layer: str | None = None,
    colours: str = "scene",
    folder: str | Path | None = None,
    local_copies: bool = False,
    own_meshes: bool = False,
    tell: Tell | None = None,
    scene: bpy.types.Scene | None = None,
) -> list[bpy.types.Image]:
    """Bake what is projected on objects into textures, one an object; the projections stay.

    What no picture shows of an object is made from what they show near it.

    Args:
        objects: every mesh that a picture is on when None.
        budget: texels of all images together; objects and their parts get them by the pixels that pictures have there.
        uv_layer: one of the meshes' own layers, if it is usable (inside of the image, no faces over one another); None:
            a new one, "Seg Bake", beside theirs (numbered where textures of others with the same mesh lie by it).
        colours: "scene": float, the light that the scene's view turns into the picture; "display": 8 bit, the picture
            itself, as game engines and exporters want it.
        folder: where to save the images; None: they are packed into the .blend.
        local_copies: give objects whose mesh is linked from a library a local one; ``plan_bake`` says which.
        own_meshes: give objects that share a mesh one each; sharper at the same budget, since none needs texels for
            what is seen of the others only, but they are instances no more.
        tell: hears (objects done, objects in all); may raise ``Cancelled``.

    Raises:
        InvalidInput: an object that is no mesh, has no faces, is linked, or has no picture on it; a UV layer that
            cannot be used; a silly budget.
        SceneError: an object is not in the scene. StorageError: the folder cannot be written. Cancelled.
        After any error all is as before.
    """
    return [
        image
        for _, image, _ in _baked(objects, budget, uv_layer, colours, folder, local_copies, own_meshes, tell, scene)
    ]


def apply_bake(
    objects: Objects | None = None,
    *,
    lighting: str = "unlit",
    roughness: bool = False,
    budget: int = BUDGET,
    uv_layer: str | None = None,
    colours: str = "scene",
    folder: str | Path | None = None,
    local_copies: bool = False,
    own_meshes: bool = False,
    tell: Tell | None = None,
    scene: bpy.types.Scene | None = None,
) -> list[bpy.types.Image]:
    """As ``bake``, and the objects show their textures from then on, in place of the projections, which are taken away.

    The materials are made so that glTF, USD and FBX exports carry them; with ``colours="display"`` the exported
    pictures look as the artist sees them. ``remove_bake`` gives the objects their own materials back.

    Args:
        lighting: "unlit": the texture shines, as the picture was; "lit": it is the base colour.
        roughness: lit surfaces also reflect, each as roughly as things of its class usually do (glass .05, metal .3,
            wood .6, all else .9): one number an object, a start for the artist, nothing that was seen in the picture.
    """
    scene = scene or bpy.context.scene
    baking.check_look(lighting, roughness)
    done = _baked(objects, budget, uv_layer, colours, folder, local_copies, own_meshes, tell, scene)
    baking.apply(scene, done, lighting, roughness)
    return [image for _, image, _ in done]


def start_bake(
    objects: Objects | None = None,
    *,
    lighting: str = "unlit",
    roughness: bool = False,
    budget: int = BUDGET,
    colours: str = "scene",
    folder: str | Path | None = None,
    local_copies: bool = False,
    own_meshes: bool = False,
    scene: bpy.types.Scene | None = None,
) -> BakeJob:
    """As ``apply_bake``, one object at each call of the job's ``done()``: ask it from a timer, then ``result()``."""
    scene = scene or bpy.context.scene
    return BakeJob(
        scene,
        _named(scene, objects),
        lighting,
        roughness,
        budget=budget,
        colours=colours,
        folder=None if folder is None else Path(folder),
        local_copies=local_copies,
        own_meshes=own_meshes,
    )


def remove_bake(objects: Objects | None = None, *, scene: bpy.types.Scene | None = None) -> list[str]:
    """Give objects (all when None) their own materials back; the UV layer stays.

    Gives the names of those that showed a bake.
    """
    scene = scene or bpy.context.scene
    named = list(scene.objects) if objects is None else _named(scene, objects)
    return [one.name for one in named if texturing.take_off_bake(one)]


def has_bakes() -> bool:
    """Whether objects of this file show baked textures; quick, for panels."""
    return texturing.has_bakes()


def export_usd(path: str | Path, *, scene: bpy.types.Scene | None = None) -> list[Path]:
    """Write a scene whose objects show baked textures as USD, the textures in a layer of their own.

    ``street.usda`` is what to open; it lays ``street_textures.usda`` (materials, textures and which mesh shows them,
    nothing else) over ``street_scene.usda`` (the scene as Blender exports it, with the materials that the objects had
    before the bake). Mute the former, and the scene is as it was. The pictures lie in ``street_textures``; bake with
    ``colours="display"``, so that they look there as here.

    Gives the paths of all files, that of the whole first.

    Raises:
        InvalidInput: no object shows a bake; the name ends in something else than .usda or .usd.
        SceneError: this Blender cannot write USD. StorageError: the folder cannot be written.
    """
    return usd.export(scene or bpy.context.scene, Path(path))


def _baked(
    objects: Objects | None,
    budget: int,
    uv_layer: str | None,
    colours: str,
    folder: str | Path | None,
    local_copies: bool,
    own_meshes: bool,
    tell: Tell | None,
    scene: bpy.types.Scene | None,
) -> list[tuple[bpy.types.Object, bpy.types.Image, str]]:
    scene = scene or bpy.context.scene
    return baking.bake(
        scene,
        _named(scene, objects),
        tell,
        budget=budget,
        layer=uv_layer,
        colours=colours,
        folder=None if folder is None else Path(folder),
        local_copies=local_copies,
        own_meshes=own_meshes,
    )


def _named(scene: bpy.types.Scene, objects: Objects | None) -> Sequence[bpy.types.Object]:
    if objects is None:
        return baking.painted_objects(scene)
    return [placing.object_named(scene, name) for name in placing.names_of(objects)]
