"""What things are, and words for them."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ..capture.evidence import class_of as _class_of
from ..capture.evidence import text_of
from ..capture.faces import set_face_class as _set_face_class
from ..core.mapping import mapping
from ..core.naming import ClassMatch
from ..core.vocabulary import load
from ..flows import meaning, placing
from ..flows.meaning import Group
from .kinds import Objects


def class_of(one: bpy.types.Object, *, vocabulary: str | None = None) -> ClassMatch:
    """What a capture would take an object for, why, and how sure that is. Shapes are judged by captures only.

    Args:
        vocabulary: as in ``capture``; the scene's when None.

    Raises:
        InvalidInput: an unknown vocabulary.
    """
    return _class_of(one, vocabulary or scene_vocabulary(bpy.context.scene))


def set_class(objects: Objects, class_name: str | None, *, to: str = "SELECTED", vocabulary: str | None = None) -> int:
    """Say what objects are, for all captures to come; kept in the file as the custom property ``seg_class``.

    Args:
        objects: objects or names of the active scene.
        class_name: a class or synonym of the vocabulary; "none" for no class; None to let names decide again.
        to: "SELECTED" these objects, "COPIES" also their numbered copies and linked duplicates, "COLLECTION" all in
            their collections, "MATERIAL" all of their materials.

    Returns:
        How many data-blocks it was said of.

    Raises:
        InvalidInput: an unknown class, vocabulary or target.
        SceneError: no such object, or it is linked from another file.
    """
    scene = bpy.context.scene
    return meaning.set_class(_objects(scene, objects), class_name, to, vocabulary or scene_vocabulary(scene))


def set_face_class(one: bpy.types.Object, class_name: str | None, faces: Sequence[int] | None = None) -> int:
    """Say what faces of a mesh are, for scenes that are one mesh; kept in the mesh (docs/one_mesh.md).

    Args:
        class_name: a class or synonym of the scene's vocabulary, "none" for no class, None to let names decide again.
        faces: indices; the selected faces when None, in edit mode or not.

    Returns:
        How many faces it was said of.

    Raises:
        InvalidInput: an unknown class, no mesh, a linked one, no such face, nothing selected.
    """
    if class_name and class_name.strip().lower() != "none":
        class_name = load(scene_vocabulary(bpy.context.scene)).lookup(class_name).name
    return _set_face_class(one, class_name, faces)


def set_text(objects: Objects, text: str, *, to: str = "SELECTED") -> int:
    """Describe objects in free words ("spaceship, rusty"): they go to the prompt of their regions, and to the nearest
    class unless one is set. "" takes the words away; kept as the custom property ``seg_text``.

    Args, returns and raises: as ``set_class``.
    """
    return meaning.set_text(_objects(bpy.context.scene, objects), text, to)


def describe(one: bpy.types.Object) -> str:
    """The words that a capture would give an object, "" for none."""
    return text_of(one)


def unclassed(scene: bpy.types.Scene | None = None, *, vocabulary: str | None = None) -> list[Group]:
    """Objects whose names tell no class and that nobody has described, grouped (Cube.001 … as "Cube"), most first."""
    scene = scene or bpy.context.scene
    return meaning.unclassed(scene, vocabulary or scene_vocabulary(scene))


def class_mapping(source: str, target: str) -> dict[str, str | None]:
    """The classes of one vocabulary in those of another, None for those that none fits.

    Raises:
        InvalidInput: an unknown vocabulary.
    """
    return mapping(source, target).to_dict()


def scene_vocabulary(scene: bpy.types.Scene) -> str:
    """The vocabulary that the panel shows for a scene; ADE20K where the module is used without the add-on."""
    settings = getattr(scene, "segaddon", None)
    if settings is None:
        return "ade20k"
    if settings.vocabulary == "FILE":
        return bpy.path.abspath(settings.vocabulary_file) if settings.vocabulary_file else "ade20k"
    return settings.vocabulary


def _objects(scene: bpy.types.Scene, objects: Objects) -> list[bpy.types.Object]:
    return [placing.object_named(scene, name) for name in placing.names_of(objects)]
