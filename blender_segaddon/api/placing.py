"""Pictures → scene."""

from __future__ import annotations

import bpy

from .. import texturing
from ..flows import placing, updating
from ..flows.errands import Errand, carried_out
from ..flows.picture import Picture, PictureLike
from ..flows.placing import About
from ..texturing import Placement
from .kinds import Objects
from .views import begin_one, made


def project(
    picture: PictureLike,
    *,
    objects: Objects | None = None,
    lighting: str | None = None,
    blend: bool = False,
    lock: bool = False,
    soft: float = 0.0,
    scene: bpy.types.Scene | None = None,
) -> Placement:
    """Put a picture on the objects that it shows, where the camera saw them; hidden surfaces keep their material.

    Args:
        picture: one that was made from maps of this scene.
        objects: only on these; on all when None.
        lighting: "unlit": the camera sees the picture as it is, and it lights nothing; "shadows": the same, but the
            shadows of real objects fall on it; "lit": as the base colour of an ordinary surface. None: "shadows" where
            a backdrop has a foreground, else "unlit".
        blend: surfaces that earlier pictures are on are shared with them, by how well each view sees them (several
            views of one scene); else this picture covers them.
        lock: the picture goes with objects that are moved later; else it stays in its place in the world.
        soft: width in pixels of the picture's border over which it fades into what was there.

    Raises:
        InvalidInput: a picture that was not made from a scene, an unknown lighting.
        SceneError: the picture's scene or objects are gone.
    """
    names = None if objects is None else placing.names_of(objects)
    return placing.project(picture, scene, names, lighting, blend, lock, soft)


def set_lighting(
    placement: Placement, lighting: str, *, foreground: Objects | None = None, samples: int = 128
) -> Placement:
    """Let a picture that is on objects be lit in another way; gives the placement as it is now.

    For "shadows" the light that falls on the surfaces is rendered (by Cycles, twice) without the foreground; darker
    than that is shadow. Where nothing real changes the light, the picture is seen as it is.

    Args:
        lighting: "unlit", "shadows" or "lit", as of ``project``.
        foreground: objects whose shadows are to be seen; those that the picture was not meant for, and all that come
            later, cast them anyway.
        samples: rays a pixel of the light's render.

    Raises:
        InvalidInput: no projection, an unknown lighting, or nothing is known of its picture any more.
        SceneError: no light falls on the surfaces.
        CaptureError: Blender could not render the light.
    """
    return placing.light(placement, lighting, () if foreground is None else placing.names_of(foreground), samples)


def backdrop(
    picture: PictureLike,
    *,
    foreground: Objects | None = None,
    lights: bool = False,
    scene: bpy.types.Scene | None = None,
) -> Placement:
    """Put a picture behind everything: seen by the camera where no object is; the old world goes on lighting the scene.

    Args:
        foreground: only these stay to be seen before the picture (in Cycles); all objects when None.
        lights: the picture lights the scene too, in place of the world (for a panorama: an environment of one's own).

    Raises: as ``project``; InvalidInput also for an orthographic picture that shall light.
    """
    return placing.backdrop(picture, scene, None if foreground is None else placing.names_of(foreground), lights)


def image_plane(picture: PictureLike, *, depth: float | None = None, scene: bpy.types.Scene | None = None) -> Placement:
    """Put a picture on a plane that fills the view of its camera: an object as any other, that only cameras see.

    Args:
        depth: distance from the camera in scene units; None: just behind all that the camera saw.

    Raises: as ``project``; InvalidInput also for a panorama or a depth that is not positive.
    """
    return placing.image_plane(picture, scene, depth)


def reference(picture: PictureLike, *, opacity: float = 0.5, scene: bpy.types.Scene | None = None) -> Placement:
    """Show a picture over the view through the scene's camera, to model by: a background image, which never renders.

    Args:
        opacity: 0..1.

    Raises:
        SceneError: the scene has no camera. InvalidInput: the camera is linked, or an opacity that cannot be.
    """
    return placing.reference(picture, scene, opacity)


def compositor_input(picture: PictureLike, *, scene: bpy.types.Scene | None = None) -> Placement:
    """Give a picture to the scene's compositor: a new node, called like the placement, with the light that looks like
    it in this view. Nothing is linked to it yet; ``regenerate`` and ``update`` keep what is."""
    return placing.compositor_input(picture, scene)


def use_camera_of(picture: PictureLike, *, scene: bpy.types.Scene | None = None) -> bpy.types.Object:
    """Look through the camera that a picture was captured with, where that was moved since: gives the scene's camera,
    which is a new one unless it sees the same."""
    return placing.restore_camera(picture, scene)


def placements(scene: bpy.types.Scene | None = None) -> list[Placement]:
    """What has been put into the scene, oldest first; known also after save and reload."""
    return texturing.placements(scene or bpy.context.scene)


def picture_of(placement: Placement) -> Picture | None:
    """The picture that a placement shows, with its maps; known also after save and reload.

    None where the user has deleted the placement's node group. Raises InvalidInput where what was kept is damaged.
    """
    return placing.picture_of(placement)


def remove_placement(placement: Placement) -> None:
    """Take a picture out of the scene again, without a trace."""
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
    return carried_out(updating.update(placement), made)[0]


def start_update(placement: Placement) -> Errand[list[Placement]]:
    """As ``update``, begun and not waited for: ask its ``done()`` from a timer, then ``result()``, which gives this
    placement and those after it."""
    return Errand(updating.update(placement), begin_one)
