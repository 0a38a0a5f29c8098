"""What a capture gives: the exact maps of one frame, what stands in them, and the camera that saw it.

All maps share one size H×W and have row 0 at the top.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from .camera import Camera
from .coverage import Coverage

if TYPE_CHECKING:
    from .outlines import Outlines  # which builds on this module

NO_CLASS = 65535
"""Value in ``class_map`` where no class is known; never a guess."""

BACKGROUND = 0
"""Value in ``instance_map`` where the camera sees no object."""

SCHEMA_VERSION = 1

_NAMED = 3
"""Objects that a summary names; the rest is counted."""


@dataclass(frozen=True)
class Part:
    """Those pixels of an instance that have one class, where its materials or faces have several."""

    class_name: str | None
    class_id: int
    """as in ``Instance``"""
    class_source: str
    """"face attribute", or as in ``Instance``"""
    text: str
    """Free words of the artist: of the material, else of the instance."""
    pixels: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values only."""
        data = {one.name: getattr(self, one.name) for one in fields(self)}
        data["class"] = data.pop("class_name")
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Part:
        """The reverse of ``to_dict``."""
        named = {**data, "class_name": data["class"]}
        return cls(**{one.name: named[one.name] for one in fields(cls)})


@dataclass(frozen=True)
class Inexact:
    """Something that the maps do not show as the render does."""

    object: str
    """Name of the object, material or node group that it is about; "" for the whole picture."""
    reason: str
    """One sentence for people."""

    def to_dict(self) -> dict[str, str]:
        """Plain values only."""
        return {"object": self.object, "reason": self.reason}


@dataclass(frozen=True)
class Instance:
    """One visible instance; ``id`` is its value in ``instance_map``."""

    id: int
    """1..N over the visible instances; see ``capture`` for the order."""
    object: str
    """Name of the object that is seen (of the prototype where it is instanced)."""
    matrix_world: tuple[float, ...]
    """16 numbers, row-major, object space to world space, scene units."""
    class_name: str | None
    class_id: int
    """Index in the vocabulary, or ``NO_CLASS``."""
    class_source: str
    """Where the class came from, or what says that there is none: "object property", "IFC class", "object name",
    "geometry", …, "none"; see ``core.naming.ClassMatch``."""
    text: str
    """Free words of the artist for this thing; goes to the prompt."""
    pixels: int
    bbox: tuple[int, int, int, int]
    """(x0, y0, x1, y1) in pixels, x1 and y1 exclusive."""
    instancer: str = ""
    """Name of the object that made the instance (collection instance, geometry nodes, particles),
    "" for an object itself."""
    persistent_id: tuple[int, ...] = ()
    """Blender's persistent id of the instance below its instancer, without the padding; () for an object itself."""
    key: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Object Info (Random, Location x, Location y) as the render saw it, float32 values:
    how a shader knows this instance."""
    library: str = ""
    """Path of the .blend that the object is linked from, "" when local."""
    class_score: float = 0.0
    """How sure the class is, 0..1: 1 was said or plainly named, 0 is no class."""
    around_camera: bool = False
    """The camera stands inside its box: a room, a sky dome, or something that is in the way."""
    material: str = ""
    """Name of the material that is seen, where the map is split by material; "" where not, and for none."""
    parts: tuple[Part, ...] = ()
    """Where ``class_map`` varies within the instance: its classes, most pixels first; ``class_id`` is the first one's.
    () where it has one class."""

    def to_dict(self) -> dict[str, Any]:
        """One entry of legend.json: plain values only."""
        data = {one.name: getattr(self, one.name) for one in fields(self)}
        data["class"] = data.pop("class_name")
        data["parts"] = [one.to_dict() for one in self.parts]
        return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Instance:
        """The reverse of ``to_dict``; keys that are no fields are left out."""
        named = {**data, "class_name": data["class"]}
        named["parts"] = [Part.from_dict(one) for one in data.get("parts", ())]
        values: dict[str, Any] = {}
        for name in (one.name for one in fields(cls) if one.name in named):
            values[name] = tuple(named[name]) if isinstance(named[name], list) else named[name]
        return cls(**values)


class Numbered:
    """What has an instance map, and says what its numbers mean."""

    instance_map: np.ndarray
    instances: tuple[Instance, ...]

    @property
    def width(self) -> int:
        return int(self.instance_map.shape[1])

    @property
    def height(self) -> int:
        return int(self.instance_map.shape[0])

    def instance(self, id: int) -> Instance:
        """The instance with this value in ``instance_map``. Raises IndexError for 0 and unknown ids."""
        if not 1 <= id <= len(self.instances):
            raise IndexError(f"no instance {id}; ids run from 1 to {len(self.instances)}")
        return self.instances[id - 1]


@dataclass(frozen=True, eq=False)
class SceneMaps(Numbered):
    """The maps of one frame from one camera. Arrays are to be treated as read-only."""

    instance_map: np.ndarray
    """uint32 H×W; 0 = background, else ``Instance.id``."""
    class_map: np.ndarray
    """uint16 H×W; index in the vocabulary, ``NO_CLASS`` where there is none; background carries its chosen class."""
    depth: np.ndarray
    """float32 H×W; scene units along the camera axis (panoramic: along the ray); inf = background."""
    normal: np.ndarray
    """float32 H×W×3; unit shading normal in camera space, x right, y up, z towards the camera; 0 = background."""
    instances: tuple[Instance, ...]
    """In the order of their ids: ``instances[i].id == i + 1``."""
    camera: Camera
    vocabulary: str = "ade20k"
    background: str = "sky"
    """Class name of the background, "" for none."""
    unit_scale: float = 1.0
    """Metres in one scene unit."""
    scene: str = ""
    frame: float = 0
    """The moment shown; between frames where motion is blurred from or to the frame (the shutter's middle)."""
    engine: str = "cycles"
    coverage: Coverage | None = None
    """Soft mattes, where they were asked for. What only they see has an id too, and no pixel in ``instance_map``."""
    outlines: Outlines | None = None
    """Where exactly surfaces end within pixels, once a projection needed to know; never written to files."""
    split: str = "object"
    """What has an id of its own: each instance of an "object", or each "material" of such an instance."""
    inexact: tuple[Inexact, ...] = ()
    """What differs from the render, and why; () where nothing does."""

    def in_vocabulary(self, name: str) -> SceneMaps:
        """The same maps in the classes of another vocabulary, as ``core.mapping.in_vocabulary``."""
        from .mapping import in_vocabulary  # which builds on this module

        return in_vocabulary(self, name)

    def without_class(self) -> list[str]:
        """Object names of the instances that nobody knows what they are, one an instance."""
        return [one.object for one in self.instances if one.class_name is None]

    def summary(self) -> str:
        """One line for people: "233 instances, 5 without a class: Box, Lamp, Cube, …"."""
        count, nameless = len(self.instances), self.without_class()
        text = f"{count} instance{'' if count == 1 else 's'}"
        if not nameless:
            return f"{text}, all with a class"
        names = list(dict.fromkeys(nameless))
        more = ", …" if len(names) > _NAMED else ""
        return f"{text}, {len(nameless)} without a class: {', '.join(names[:_NAMED])}{more}"

    def legend(self) -> dict[str, Any]:
        """What legend.json holds: plain values only; the classes too where the vocabulary is the user's own."""
        return {
            "schema_version": SCHEMA_VERSION,
            "vocabulary": self.vocabulary,
            "unit_scale": self.unit_scale,
            "background": self.background,
            "scene": self.scene,
            "frame": self.frame,
            "engine": self.engine,
            **({} if self.coverage is None else {"coverage_samples": self.coverage.samples}),
            "split": self.split,
            "inexact": [one.to_dict() for one in self.inexact],
            "instances": [one.to_dict() for one in self.instances],
            **_own_classes(self.vocabulary),
        }


def _own_classes(vocabulary: str) -> dict[str, Any]:
    from .vocabulary import is_builtin, load  # which need not know of maps

    return {} if is_builtin(vocabulary) else {"classes": load(vocabulary).to_rows()}
