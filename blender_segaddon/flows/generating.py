"""Recipe → pictures: through the bridge server, or in this process where none is installed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from numbers import Integral, Real
from pathlib import Path
from typing import get_args

import numpy as np

from ..client import Bridge, Journal, default_server_command, default_state_dir
from ..core import preview, prompting
from ..core.inpainting import classical
from ..core.maps import SceneMaps
from ..core.masks import composite
from ..core.obedience import edge_agreement
from ..protocol.checks import MAX_COUNT, MAX_SOFTNESS
from ..protocol.errors import Cancelled, InvalidInput
from ..protocol.messages import Event, Intent, ServerInfo
from .jobs import Wish
from .picture import Picture, Recipe, of_array
from .sending import OnEvent, Purpose, Sender, Unfinished, Wishes

MAX_SEED = 2**32 - 1
OBEDIENCE = "edge_agreement"
"""In a picture's metadata: ``core.obedience.edge_agreement`` with its maps."""
_KINDS = {str: "Give a text", Integral: "Give a whole number", Real: "Give a number"}


@dataclass(frozen=True)
class Connection:
    """Where the server is, from the preferences; all None: found or started by itself."""

    server_command: tuple[str, ...] | None = None
    state_dir: Path | None = None
    address: str | None = None
    """unix:/path, http://127.0.0.1:port, or https://host:port of another machine; never started from here"""
    token: str | None = None
    """that opens the server at ``address``"""
    certificate: Path | None = None
    """PEM file that proves it; None: what the system trusts"""
    fingerprint: str = ""
    """SHA-256 of its certificate instead"""
    end_with_us: bool = False
    """A server that is started here ends with this process: for scripts. Blenders share theirs and let it idle out."""


def checked(recipe: Recipe, count: int) -> Recipe:
    """The recipe in Python's own numbers; what no generator could work with is refused before anything is sent.

    Raises:
        InvalidInput: as the texts say.
    """
    for name, value, kind in (
        ("prompt", recipe.prompt, str),
        ("negative prompt", recipe.negative_prompt, str),
        ("seed", recipe.seed, Integral),
        ("count", count, Integral),
        ("strength", recipe.strength, Real),
        ("softness", recipe.softness, Real),
    ):
        if not isinstance(value, kind):
            raise InvalidInput(f"The {name} cannot be {value!r}", _KINDS[kind])
    if not 1 <= count <= MAX_COUNT:
        raise InvalidInput(f"{count} pictures cannot be made at once", f"Ask for 1 to {MAX_COUNT}")
    if not 0 <= recipe.seed <= MAX_SEED:
        raise InvalidInput(f"Seed {recipe.seed} is out of range", f"Use 0 to {MAX_SEED}")
    if not 0.0 <= recipe.strength <= 1.0:
        raise InvalidInput(f"Strength {recipe.strength} is out of range", "Use 0 to 1")
    if not 0.0 <= recipe.softness <= MAX_SOFTNESS:
        raise InvalidInput(f"Softness {recipe.softness} is out of range", f"Use 0 to {MAX_SOFTNESS} pixels")
    if recipe.intent not in get_args(Intent):
        raise InvalidInput(f"Unknown intent '{recipe.intent}'", f"Choose one of: {', '.join(get_args(Intent))}")
    if recipe.image is not None and recipe.maps is not None:
        _check_size(recipe.image, recipe.maps)
    if recipe.mask is not None:
        _check_mask(recipe)
    return replace(recipe, seed=int(recipe.seed), strength=float(recipe.strength), softness=float(recipe.softness))


def seed_or_any(seed: int | None) -> int:
    """The seed, by chance where it is None."""
    return random.randrange(MAX_SEED + 1) if seed is None else seed


def server_info(connection: Connection) -> ServerInfo | None:
    """What the server says of itself, None where none is installed; starts it. Raises BridgeError."""
    found = sender(connection)
    return None if found is None else found.bridge.ensure_running()


def make(
    recipe: Recipe, count: int, connection: Connection, purpose: Purpose, on_event: OnEvent, wishes: Wishes
) -> list[Picture]:
    """Make ``count`` pictures, with the seeds ``recipe.seed``, ``+ 1``, …. Never touches bpy; runs in any thread.

    An empty prompt for a whole picture of a scene is composed from what the maps show; the metadata say so as
    "composed_prompt", and the recipe keeps the empty one: after a change of layout it is composed anew.

    Raises:
        InvalidInput: an unknown generator, or a recipe that does not fit it.
        BridgeError: the server cannot be reached or the job failed there.
        Cancelled, LeftBehind: as ``wishes`` said.
    """
    found, asked = sender(connection), recipe
    recipe = _prompted(recipe)
    if found is None:
        made = _make_here(recipe, count, on_event, wishes)
    else:
        made = found.make(recipe, count, purpose, on_event, wishes)
    if recipe is not asked:
        for picture in made:
            picture.recipe = replace(picture.recipe, prompt=asked.prompt)
            picture.metadata["composed_prompt"] = recipe.prompt
    return [_measured(_keep_outside(picture)) for picture in made]


def best(pictures: list[Picture]) -> list[Picture]:
    """Those whose edges agree best with their maps first; as they came where there are no maps."""
    return sorted(pictures, key=lambda one: float(one.metadata.get(OBEDIENCE, 0)), reverse=True)


def _measured(picture: Picture) -> Picture:
    """How well it follows its maps, for whoever chooses among candidates."""
    if picture.maps is not None and picture.maps.instance_map.shape == picture.pixels.shape[:2]:
        picture.metadata[OBEDIENCE] = f"{edge_agreement(picture.pixels, picture.maps.instance_map):.3f}"
    return picture


def _prompted(recipe: Recipe) -> Recipe:
    if recipe.prompt.strip() or recipe.maps is None or recipe.mask is not None:
        return recipe
    composed = prompting.compose(recipe.maps)
    return replace(recipe, prompt=composed) if composed else recipe


def resume(one: Unfinished, connection: Connection, on_event: OnEvent, wishes: Wishes) -> list[Picture]:
    """Wait for pictures that an earlier session asked for. Raises as ``make``."""
    found = sender(connection)
    if found is None:
        raise InvalidInput("No bridge server is installed", "Set it up in the add-on's preferences")
    return [_keep_outside(picture) for picture in found.resume(one, on_event, wishes)]


def is_installed(connection: Connection) -> bool:
    """Whether there is a server to use: an address, or a command that starts one."""
    return bool(connection.address or connection.server_command or default_server_command())


def sender(connection: Connection) -> Sender | None:
    """The server to use, None where none is installed: only then does the add-on paint by itself."""
    if not is_installed(connection):
        return None
    command = connection.server_command or default_server_command()
    return _connected(connection, None if command is None else tuple(command))


@lru_cache(maxsize=1)
def _connected(connection: Connection, command: tuple[str, ...] | None) -> Sender:
    bridge = Bridge(
        server_command=command,
        state_dir=connection.state_dir,
        address=connection.address,
        token=connection.token,
        certificate=connection.certificate,
        fingerprint=connection.fingerprint,
        end_with_us=connection.end_with_us,
    )
    folder = (connection.state_dir or default_state_dir()) / "client"
    return Sender(bridge, Journal(folder), connection.address or "")


def _make_here(recipe: Recipe, count: int, on_event: OnEvent, wishes: Wishes) -> list[Picture]:
    if recipe.generator not in _WEIGHTLESS:
        raise InvalidInput(
            f"Generator '{recipe.generator}' needs the bridge server, and none is installed",
            f"Install it in the preferences, name its Python in SEGADDON_SERVER_PYTHON, or use '{preview.NAME}'",
        )
    number = 0

    def on_step(step: int, steps: int) -> None:
        nonlocal number
        if wishes() is not Wish.GO_ON:
            raise Cancelled("The job was cancelled")
        number += 1
        on_event(Event(number=number, state="running", step=step, steps=steps))

    paint = _WEIGHTLESS[recipe.generator]
    return [paint(replace(recipe, seed=(recipe.seed + k) % (MAX_SEED + 1)), on_step) for k in range(count)]


def is_elsewhere(recipe: Recipe) -> bool:
    """Whether a server makes the picture while this process waits."""
    return recipe.generator not in _WEIGHTLESS


def _fill(recipe: Recipe, on_step: Callable[[int, int], None]) -> Picture:
    array = classical.run(
        maps=recipe.maps,
        image=recipe.image,
        mask=recipe.mask,
        intent=recipe.intent,
        seed=recipe.seed,
        strength=recipe.strength,
        softness=recipe.softness,
        after=recipe.after,
        on_step=on_step,
    )
    return of_array(array, recipe, {"is_model": "false", "notice": classical.NOTICE})


def _paint(recipe: Recipe, on_step: Callable[[int, int], None]) -> Picture:
    pixels = preview.run(
        maps=recipe.maps,
        prompt=recipe.prompt,
        seed=recipe.seed,
        image=recipe.image,
        mask=recipe.mask,
        intent=recipe.intent,
        strength=recipe.strength,
        on_step=on_step,
    )
    return of_array(pixels, recipe, {"is_model": "false", "notice": preview.NOTICE})


_WEIGHTLESS = {preview.NAME: _paint, classical.NAME: _fill}
"""What the add-on makes by itself where there is no server."""


def _keep_outside(picture: Picture) -> Picture:
    """Outside the mask the picture it started from stays as it was, bit for bit, whatever the generator did."""
    recipe = picture.recipe
    if recipe.mask is not None and recipe.image is not None:
        inside = classical.composite_mask(recipe.mask, recipe.softness) > 0
        made = picture.pixels if picture.floats is None else picture.floats
        kept = of_array(composite(recipe.image, made, inside), recipe, picture.metadata)
        picture.pixels, picture.floats = kept.pixels, kept.floats
    return picture


def _check_size(image: np.ndarray, maps: SceneMaps) -> None:
    height, width = image.shape[:2]
    if (width, height) != (maps.width, maps.height):
        raise InvalidInput(
            f"The picture has {width}×{height} pixels, the maps {maps.width}×{maps.height}",
            "Capture at the size of the picture",
        )


def _check_mask(recipe: Recipe) -> None:
    mask, image = recipe.mask, recipe.image
    if image is None:
        raise InvalidInput("A mask needs the picture that it belongs to", "Give the picture as well")
    if mask is None or mask.dtype != np.bool_ or mask.shape != image.shape[:2]:
        raise InvalidInput(
            "The mask does not fit the picture",
            f"It must be boolean with {image.shape[1]}×{image.shape[0]} pixels",
        )
    if not mask.any():
        raise InvalidInput("The mask is empty", "Click on something, or paint the mask first")
