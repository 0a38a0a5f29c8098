"""Recipe → server → pictures, with a note on disk of what is under way, so that another session can collect it."""

from __future__ import annotations

import contextlib
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..client import Bridge, Entry, JobHandle, Journal, new_entry
from ..core.wire import scene_to_wire
from ..protocol.errors import BridgeError, BridgeUnavailable, Cancelled, InvalidInput, StorageError
from ..protocol.framing import BodyWriter, BytesLike
from ..protocol.messages import Event, GenerateRequest, GenerateResult, Priority, Reference
from . import keeping
from .jobs import LeftBehind, Wish
from .picture import Picture, Recipe, of_array

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.05
"""Between two looks at what whoever waits wants."""

OnEvent = Callable[[Event], None]
Wishes = Callable[[], Wish]


@dataclass(frozen=True)
class Purpose:
    """What pictures are for."""

    priority: Priority = "interactive"
    file: str = ""
    """path of the .blend, "" while it is not saved"""
    scene: str = ""
    """name of the scene"""


@dataclass(frozen=True)
class Unfinished:
    """Pictures that were asked for and that nobody has got yet. ``api.resume`` waits for them."""

    id: str
    """by which the server knows the job, "" if it never got it"""
    prompt: str
    file: str
    scene: str
    created: float
    """Unix time"""
    entry: Entry

    @property
    def key(self) -> str:
        """By which it is known here, whether or not the server got it."""
        return self.entry.key


class Sender:
    """A server, and the notes of what it was asked for. Never touches bpy; any thread."""

    def __init__(self, bridge: Bridge, journal: Journal, address: str = "") -> None:
        self.bridge = bridge
        self._journal = journal
        self._address = address

    def make(self, recipe: Recipe, count: int, purpose: Purpose, on_event: OnEvent, wishes: Wishes) -> list[Picture]:
        """Have ``count`` pictures made. Raises BridgeError, InvalidInput, Cancelled, LeftBehind."""
        entry = _entry(recipe, count, purpose, self._address)
        with _waited_for(entry.key):  # before it is noted: else it would be listed as left behind
            self._written(entry)
            handle = self.bridge.begin(_body(recipe, count), key=entry.key, priority=purpose.priority)
            return self._collect(handle, entry, recipe, on_event, wishes)

    def resume(self, one: Unfinished, on_event: OnEvent, wishes: Wishes) -> list[Picture]:
        """Wait for pictures that were asked for before; the server is asked again if it never got them. As ``make``."""
        entry, about = one.entry, one.entry.about
        kept = self._journal.data(entry)
        if kept is None:
            recipe, body = keeping.of_plain(json.loads(about["recipe"]), maps=None), []
        else:
            recipe = keeping.unpack_recipe(kept, "the notes on unfinished jobs")
            body = _body(recipe, int(about["count"]))
        if not body and not entry.job:
            self._journal.forget(entry)
            raise InvalidInput("The server never got this picture", "Generate it again")
        handle = self.bridge.begin(body, key=entry.key, job_id=entry.job)
        return self._collect(handle, entry, recipe, on_event, wishes)

    def unfinished(self) -> list[Unfinished]:
        """What no live session waits for, oldest first."""
        return [
            Unfinished(
                one.job,
                json.loads(one.about["recipe"])["prompt"],
                one.about["file"],
                one.about["scene"],
                one.created,
                one,
            )
            for one in self._journal.left_behind()
            if one.server == self._address and one.key not in _waiting
        ]

    def forget(self, one: Unfinished) -> None:
        """Want it no more; the server is told where it runs."""
        self._journal.forget(one.entry)
        if one.id:
            with contextlib.suppress(BridgeError):
                self.bridge.cancel(one.id)

    def _collect(
        self, handle: JobHandle, entry: Entry, recipe: Recipe, on_event: OnEvent, wishes: Wishes
    ) -> list[Picture]:
        with _waited_for(entry.key):
            try:
                self._follow(handle, entry, recipe, on_event, wishes)
                result, pictures = handle.result()
            except (LeftBehind, BridgeUnavailable):  # it may go on there
                raise
            except BaseException:
                handle.cancel()
                self._journal.forget(entry)
                raise
        self._journal.forget(entry)
        return _pictures(recipe, result, pictures)

    def _follow(self, handle: JobHandle, entry: Entry, recipe: Recipe, on_event: OnEvent, wishes: Wishes) -> None:
        """Until the job has ended; what it takes to collect it later is kept once the server has the job."""
        for event in handle.follow(_LOOK_SECONDS):
            wish = wishes()
            if wish is Wish.CANCEL:
                raise Cancelled("The job was cancelled")
            if handle.id != entry.job or wish is Wish.LET_GO:
                entry = self._keep(entry, handle.id, recipe)
            if wish is Wish.LET_GO:
                handle.let_go()
                raise LeftBehind
            if event:
                on_event(event)

    def _keep(self, entry: Entry, job: str, recipe: Recipe) -> Entry:
        with _unless_full():
            self._journal.keep(entry, keeping.pack_recipe(recipe))
        return self._written(replace(entry, job=job))

    def _written(self, entry: Entry) -> Entry:
        with _unless_full():
            self._journal.write(entry)
        return entry


def _entry(recipe: Recipe, count: int, purpose: Purpose, address: str) -> Entry:
    about = {
        "recipe": json.dumps(keeping.plain(recipe)),
        "count": str(count),
        "file": purpose.file,
        "scene": purpose.scene,
    }
    return new_entry(uuid.uuid4().hex, about, address)


@contextlib.contextmanager
def _unless_full() -> Iterator[None]:
    """The picture itself needs no disk here."""
    try:
        yield
    except StorageError as error:
        log.warning("A job cannot be noted, another session would not find it: %s", error)


_waiting: set[str] = set()
"""Keys of the jobs that this process waits for."""


@contextlib.contextmanager
def _waited_for(key: str) -> Iterator[None]:
    _waiting.add(key)
    try:
        yield
    finally:
        _waiting.discard(key)


def _pictures(recipe: Recipe, result: GenerateResult, pictures: list[np.ndarray]) -> list[Picture]:
    return [
        of_array(array, replace(recipe, seed=seed), {**result.metadata, "is_model": str(result.is_model).lower()})
        for array, seed in zip(pictures, result.seeds, strict=True)
    ]


def _body(recipe: Recipe, count: int) -> list[BytesLike]:
    writer = BodyWriter()
    scene = scene_to_wire(recipe.maps, writer) if recipe.maps is not None else None
    request = GenerateRequest(
        generator=recipe.generator,
        prompt=recipe.prompt,
        negative_prompt=recipe.negative_prompt,
        seed=recipe.seed,
        count=count,
        scene=scene,
        image=writer.add(recipe.image) if recipe.image is not None else None,
        mask=writer.add(recipe.mask, compress=True) if recipe.mask is not None else None,
        strength=recipe.strength,
        options=recipe.options,
        references=tuple(Reference(writer.add(one.pixels), one.weight, one.instances) for one in recipe.references),
        softness=recipe.softness,
        scene_after=recipe.after,
        intent=recipe.intent,  # pyright: ignore[reportArgumentType]  # checked by the server's codec
    )
    return writer.finish(request)
