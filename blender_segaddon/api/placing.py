"""Pictures → scene."""

from __future__ import annotations

import bpy

from .. import texturing
from ..flows import placing, updating
from ..flows.picture import Picture, PictureLike
from ..flows.placing import About
from ..texturing import Placement
from .kinds import Objects
from .views import made


def project(
    picture: PictureLike,
    *,
    objects: Objects | None = None,
    lighting: str = "unlit",
    blend: bool = False,
    scene: bpy.types.Scene | None = None,
) -> Placement:
    """Put a picture on the objects that it shows, where the camera saw them; hidden surfaces keep their material.

    Args:
        picture: one that was made from maps of this scene.
        objects: only on these; on all when None.
        lighting: "unlit": the camera sees the picture as it is, and it lights nothing.
        blend: surfaces that earlier pictures are on are shared with them, by how well each view sees them (several
            views of one scene); else this picture covers them.

    Raises:
        InvalidInput: a picture that was not made from a scene, an unknown lighting.
        SceneError: the picture's scene or objects are gone.
    """
    names = None if objects is None else placing.names_of(objects)
    return placing.project(picture, scene, names, lighting, blend)


def backdrop(
    picture: PictureLike,
    *,
    foreground: Objects | None = None,
    scene: bpy.types.Scene | None = None,
) -> Placement:
    """Put a picture behind everything: seen by the camera where no object is; the old world goes on lighting the scene.

    Args:
        foreground: only these stay to be seen before the picture (in Cycles); all objects when None.

    Raises: as ``project``.
    """
    return placing.backdrop(picture, scene, None if foreground is None else placing.names_of(foreground))


def placements(scene: bpy.types.Scene | None = None) -> list[Placement]:
    """What has been put into the scene, oldest first; known also after save and reload."""
    return texturing.placements(scene or bpy.context.scene)


def picture_of(placement: Placement) -> Picture | None:
    """The picture that a placement shows, with its maps; known also after save and reload.

    None where the user has deleted the placement's node group. Raises InvalidInput where what was kept is damaged.
    """
    return placing.picture_of(placement)


def remove_placement(placement: Placement) -> None:
    """Take a projection or a backdrop out of the scene again, without a trace."""
    placing.remove(placement)


def about_placement(placement: Placement) -> About:
    """Prompt, camera and Blender image of a placement, for lists; quick."""
    return placing.about(placement)


def show_placement(placement: Placement, shown: bool = True) -> Placement:
    """Show or hide what was put into the scene, without taking it away; gives the placement as it is now.

    Raises InvalidInput where it is not in the scene.
    """
    return placing.show(placement, shown)


def update(placement: Placement) -> Placement:
    """After a change of layout: capture again, keep what stayed, paint again what changed, and place the result.

    Things are known by what they are in Blender. What did not move keeps its pixels, also where the camera moved; what
    moved takes its paint along; what has come, came into view or became something else is painted. Later views that
    were painted on from this one are painted again where that changes them.

    Raises:
        InvalidInput: nothing is known of the placement's picture: it, or its node group, was deleted.
        SceneError: its scene or camera is gone. After any error the old picture stands as it did.
    """
    return updating.update(placement, made)[0]
