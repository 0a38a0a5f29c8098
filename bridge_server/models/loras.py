"""LoRAs by name: small files that change a model's look. Looked for where people keep them; no torch here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import LoraUse

from . import places, shelves
from .catalogue import Family
from .found import header


def available(folders: Sequence[Path]) -> dict[str, Path]:
    """The LoRAs by the names of their files without suffix; the first of a name counts.

    Raises:
        InvalidInput: an extra_model_paths.yaml that cannot be read.
    """
    found: dict[str, Path] = {}
    for path in shelves.files("loras", folders):
        found.setdefault(path.stem, path)
    return found


def locate(name: str, family: Family, folders: Sequence[Path]) -> Path:
    """The file of a LoRA for models of this family. Raises InvalidInput: there is none, or it is for another family."""
    found = available(folders)
    if name not in found:
        known = ", ".join(sorted(found)) or "none: put .safetensors files into loras in a models folder"
        raise InvalidInput(f"There is no LoRA {name!r:.80}", f"There are: {known}")
    made_for = family_of(found[name])
    if made_for is not None and made_for != family:
        raise InvalidInput(f"The LoRA {name!r} is for {made_for} models, not for {family}", "Use one made for it")
    return found[name]


def revisions(loras: Sequence[LoraUse], folders: Sequence[Path]) -> list[str]:
    """What those files are, as ``places.revision`` tells it."""
    found = available(folders) if loras else {}
    return [places.revision(found[one.name]) for one in loras if one.name in found]


def family_of(path: Path) -> Family | None:
    """What a LoRA was made for, by the names and widths of its tensors; None where they do not tell.

    Raises:
        InvalidInput: the file is no safetensors file.
    """
    shapes = {name: entry.get("shape", []) for name, entry in header(path).items() if name != "__metadata__"}
    if any(name.startswith(("lora_te2", "text_encoder_2")) for name in shapes):
        return "sdxl"
    # What the cross-attention listens to: 768 numbers a token in SD 1.5, 2048 in SDXL.
    widths = {
        shape[1]
        for name, shape in shapes.items()
        if "attn2" in name and "to_k" in name and ("down" in name or "lora_A" in name) and len(shape) >= 2
    }
    return "sdxl" if 2048 in widths else "sd15" if 768 in widths else None
