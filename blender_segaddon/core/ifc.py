"""What building models (IFC) call things: the class that an entity tells.

ifc.csv names entities of IFC2x3 to IFC4.3 by buildingSMART's schema, also with their PredefinedType after a dot;
"-" = a known entity that no class fits (a beam, an opening). Entities that are not listed (IfcFurniture,
IfcBuildingElementProxy …) say nothing by themselves; then the name counts.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).parent / "ifc.csv"
_NAME = re.compile(r"(Ifc[A-Z][A-Za-z]+)(?:[/:](.*))?", re.DOTALL)
_SPATIAL = ("IfcProject", "IfcSite", "IfcBuilding", "IfcBuildingStorey", "IfcSpace", "IfcFacility", "IfcFacilityPart")


def parse(name: str) -> tuple[str, str]:
    """("IfcWall", "Outer wall") for "IfcWall/Outer wall", as Bonsai names objects; ("", name) for other names."""
    found = _NAME.fullmatch(name.strip())
    return (found[1], found[2] or "") if found else ("", name)


def is_spatial(name: str) -> bool:
    """Whether a name stands for what only contains things ("IfcBuildingStorey/Ground Floor")."""
    return parse(name)[0] in _SPATIAL


def class_name(entity: str, predefined_type: str = "") -> str | None:
    """The class of ADE20K for an IFC entity, "-" where none fits, None where the entity alone does not tell.

    Types count as what they type: "IfcDoorType" as "IfcDoor". Case of the entity does not matter.
    """
    key = entity.strip().casefold().removesuffix("type")
    return _table().get(f"{key}.{predefined_type.strip().casefold()}", _table().get(key))


@cache
def _table() -> dict[str, str]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {row["entity"].casefold(): row["class"] for row in csv.DictReader(file)}
