"""Maps with Blender's own renders: the same frame, camera and size, and a refusal where they are not.

A render cannot be started inside another. In a window, handlers only note what is rendered (they run in the render's
thread), and a timer makes the maps when the render has ended. In background nothing runs after a render, so scripts
call ``render_with_maps``.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import bpy

from .. import capture
from ..core.export import check_formats
from ..core.maps import SceneMaps
from ..core.renders import RENDER_FILE, Fingerprint, load_render, maps_folder, save_render
from ..protocol.errors import InvalidInput, MapsStale, SegAddonError

log = logging.getLogger(__name__)

Capture = Callable[[bpy.types.Scene], SceneMaps]

_TICK = 0.25
"""seconds between two looks for a render that has ended"""


@dataclass(frozen=True)
class Rendered:
    """One frame that was rendered with its maps."""

    frame: int
    picture: Path | None
    """the file of the picture, None where it was not written"""
    files: tuple[Path, ...]
    """the maps' files"""
    kept: SceneMaps | None = None
    """the maps in memory, where they are in no file"""

    @property
    def maps(self) -> SceneMaps:
        """The maps; read from their files. Raises as ``maps_of``."""
        if self.kept is not None:
            return self.kept
        return load_render(self.picture or "", self.files[0].parent)[0]


@dataclass
class _Frame:
    """One rendered frame that waits for its maps."""

    frame: int
    subframe: float
    started: Fingerprint
    """the scene when the render began, at the frame that the window showed"""
    picture: Path | None = None


class _Session:
    """What this Blender session knows of its renders."""

    def __init__(self) -> None:
        self.last: SceneMaps | None = None
        """of the picture that is in the image "Render Result" """
        self.why = "Nothing was rendered yet"
        """where ``last`` is None"""
        self.started: Fingerprint | None = None
        self.frames: list[_Frame] = []
        """of the render under way"""
        self.waiting: deque[_Frame] = deque()
        self.ours = False
        """a render that ``render_with_maps`` started: its maps are made there"""

    def forget(self, why: str) -> None:
        self.last, self.why = None, why


_session = _Session()


def render_with_maps(
    scene: bpy.types.Scene,
    capture_maps: Capture,
    *,
    animation: bool,
    write_still: bool,
    formats: Sequence[str],
    folder: str,
) -> list[Rendered]:
    """Render a scene as Blender does and make the maps of each picture; see ``api.render_with_maps``."""
    _check(scene)
    check_formats(formats)
    maps_folder("picture.png", folder)
    if not animation:
        return [_render_frame(scene, capture_maps, still_path(scene) if write_still else None, formats, folder)]
    if scene.render.is_movie_format:
        raise InvalidInput("Maps cannot be made for the frames of a movie file", "Render to pictures, e.g. PNG")
    kept, done = scene.render.filepath, []
    with _at(scene, scene.frame_current, scene.frame_subframe):
        for frame in range(scene.frame_start, scene.frame_end + 1, scene.frame_step):
            scene.frame_set(frame)
            scene.render.filepath = scene.render.frame_path(frame=frame)
            try:
                done.append(_render_frame(scene, capture_maps, still_path(scene), formats, folder))
            finally:
                scene.render.filepath = kept
    return done


def still_path(scene: bpy.types.Scene) -> Path:
    """Where Blender writes the picture of a render that is no animation: without the frame's number."""
    path, end = bpy.path.abspath(scene.render.filepath), scene.render.file_extension
    return Path(path if not scene.render.use_file_extension or path.lower().endswith(end) else path + end)


def maps_of(picture: str | Path | bpy.types.Image | None, folder: str) -> SceneMaps:
    """The maps that were made with a picture; see ``api.maps_of``."""
    if isinstance(picture, bpy.types.Image):
        if picture.type == "RENDER_RESULT":
            return _last()
        if picture.is_dirty:
            raise MapsStale(f"Image '{picture.name}' was changed since it was rendered", "Reload it from its file")
        picture = bpy.path.abspath(picture.filepath, library=picture.library)
    if picture is None:
        return _last()
    return load_render(picture, maps_folder(picture, folder))[0]


def maps_beside(image: bpy.types.Image) -> SceneMaps:
    """As ``maps_of`` of an image, for each click: the files are read anew only where one of them has changed."""
    if image.type == "RENDER_RESULT":
        return _last()
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    if image.is_dirty or not (maps_folder(path) / RENDER_FILE).exists():
        raise MapsStale(f"There are no maps of {path.name}", "Render it again with Scene Maps with Renders on")
    return _read(path, path.stat().st_mtime_ns, (maps_folder(path) / RENDER_FILE).stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, _changed: int, _maps_changed: int) -> SceneMaps:
    return load_render(path, maps_folder(path))[0]


def status() -> str:
    """One line for the panel: what became of the last render's maps."""
    if _session.waiting:
        return f"{len(_session.waiting)} rendered frames wait for their maps"
    return (
        _session.why if _session.last is None else f"Maps of frame {_session.last.frame:g}: {_session.last.summary()}"
    )


def forget_renders() -> None:
    """Another file, or the add-on goes."""
    global _session  # noqa: PLW0603  # one Blender, one session
    _session = _Session()


def on_init(scene: bpy.types.Scene, wanted: bool) -> None:
    """A render begins. Runs in the render's thread: only notes."""
    if _session.ours:
        return
    _session.frames, _session.started = [], None
    _session.forget("The last render was made without maps")
    if wanted:
        try:
            _check(scene)
            _session.started = capture.fingerprint(scene)
            _session.forget("Maps are made when the render has ended")
        except SegAddonError as error:
            _session.forget(str(error))


def on_post(scene: bpy.types.Scene) -> None:
    """A frame has been rendered. Runs in the render's thread."""
    if _session.started is not None:
        _session.frames.append(_Frame(scene.frame_current, scene.frame_subframe, _session.started))


def on_write(scene: bpy.types.Scene) -> None:
    """A frame has been written to its file. Runs in the render's thread."""
    if _session.started is None or not _session.frames or scene.render.is_movie_format:
        return
    animated = Path(bpy.path.abspath(scene.render.frame_path(frame=scene.frame_current)))
    there = [one for one in (animated, still_path(scene)) if one.exists()]  # nothing says whether this is an animation
    _session.frames[-1].picture = max(there, key=lambda one: one.stat().st_mtime_ns, default=None)


def on_end(complete: bool) -> None:
    """The render is over. Runs in the render's thread. What was rendered before a cancel gets its maps too."""
    frames = _session.frames if complete else [one for one in _session.frames if one.picture is not None]
    if _session.started is not None:
        if not complete:
            _session.forget("The render was cancelled")
        elif _in_background():
            _session.forget("In background, maps are made by api.render_with_maps alone")
            log.warning(_session.why)
            frames = []
        _session.waiting.extend(frames)
    _session.frames, _session.started = [], None


def tick(capture_maps: Capture) -> float:
    """Make the maps of one frame that waits for them; seconds until the next look. For a timer, in the main thread."""
    if not _session.waiting or bpy.app.is_job_running("RENDER"):
        return _TICK
    frame = _session.waiting.popleft()
    if frame.started.scene not in bpy.data.scenes:  # a script's throw-away copy, which had the option as its original
        _session.forget("The last render was of a scene that is gone")
        return _TICK
    try:
        _session.last = _late_maps(frame, capture_maps)
    except SegAddonError as error:
        _session.forget(str(error))
        log.warning("No maps of frame %d: %s", frame.frame, error)
    return 0.0 if _session.waiting else _TICK


def _in_background() -> bool:
    return bpy.app.background


def _last() -> SceneMaps:
    if _session.last is None:
        raise MapsStale(_session.why, "Render with Scene Maps with Renders on")
    return _session.last


def _check(scene: bpy.types.Scene) -> None:
    """Raises InvalidInput for renders that are not the whole picture."""
    if scene.render.use_border and scene.render.use_crop_to_border:
        raise InvalidInput("Maps cannot be made for a cropped render", "Turn off Crop to Render Region")


def _render_frame(
    scene: bpy.types.Scene, capture_maps: Capture, picture: Path | None, formats: Sequence[str], folder: str
) -> Rendered:
    before = capture.fingerprint(scene)
    with _own_render():
        _render(scene, picture is not None)
    after = capture.fingerprint(scene)
    _refuse_if(before, after)
    maps = _session.last = capture_maps(scene)
    if picture is None:
        return Rendered(after.frame, None, (), maps)
    files = save_render(maps, after, picture, maps_folder(picture, folder), formats)
    return Rendered(after.frame, picture, tuple(files))


def _render(scene: bpy.types.Scene, write: bool) -> None:
    try:
        bpy.ops.render.render(scene=scene.name, write_still=write)
    except RuntimeError as error:
        raise InvalidInput("Blender could not render the picture", str(error).strip()) from error


@contextmanager
def _own_render() -> Iterator[None]:
    _session.ours = True
    _session.forget("The render did not end")
    try:
        yield
    finally:
        _session.ours = False


def _late_maps(frame: _Frame, capture_maps: Capture) -> SceneMaps:
    """The maps of a frame whose render has ended, if the scene is still the one that was rendered."""
    scene = bpy.data.scenes[frame.started.scene]
    with _at(scene, frame.started.frame, frame.started.subframe):
        _refuse_if(frame.started, capture.fingerprint(scene))
        with _at(scene, frame.frame, frame.subframe):
            maps, now = capture_maps(scene), capture.fingerprint(scene)
    if frame.picture is not None:
        save_render(maps, now, frame.picture, maps_folder(frame.picture), ())
    return maps


@contextmanager
def _at(scene: bpy.types.Scene, frame: int, subframe: float) -> Iterator[None]:
    """The scene at a frame; it is left at the one where it was."""
    before = (scene.frame_current, scene.frame_subframe)
    if before != (frame, subframe):
        scene.frame_set(frame, subframe=subframe)
    try:
        yield
    finally:
        if before != (scene.frame_current, scene.frame_subframe):
            scene.frame_set(before[0], subframe=before[1])


def _refuse_if(then: Fingerprint, now: Fingerprint) -> None:
    changed = then.difference(now)
    if changed:
        raise MapsStale(f"The scene changed after its render began ({changed})", "Render again, then wait for the maps")
