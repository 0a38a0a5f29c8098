"""LoRAs by name: small files that change a model's look. Looked for where people keep them; no torch here."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path

from blender_segaddon.protocol.errors import InvalidInput

from .catalogue import Family

_FOLDERS = ("loras", "Lora", "models/loras", "models/Lora")
"""Below a models folder: ours, and those of ComfyUI and A1111 when the models folder is one of theirs."""

_LONGEST_HEADER = 100 << 20
"""Bytes; safetensors' own limit."""


def available(folders: Sequence[Path]) -> dict[str, Path]:
    """The LoRAs by the names of their files without suffix; the first of a name counts."""
    found: dict[str, Path] = {}
    for folder in folders:
        for place in _FOLDERS:
            for path in sorted((folder / place).rglob("*.safetensors")):
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


def family_of(path: Path) -> Family | None:
    """What a LoRA was made for, by the names and widths of its tensors; None where they do not tell.

    Raises:
        InvalidInput: the file is no safetensors file.
    """
    shapes = {name: entry.get("shape", []) for name, entry in _header(path).items() if name != "__metadata__"}
    if any(name.startswith(("lora_te2", "text_encoder_2")) for name in shapes):
        return "sdxl"
    # What the cross-attention listens to: 768 numbers a token in SD 1.5, 2048 in SDXL.
    widths = {
        shape[1]
        for name, shape in shapes.items()
        if "attn2" in name and "to_k" in name and ("down" in name or "lora_A" in name) and len(shape) >= 2
    }
    return "sdxl" if 2048 in widths else "sd15" if 768 in widths else None


def _header(path: Path) -> dict:
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > _LONGEST_HEADER:
                raise ValueError("its header is too long")
            return json.loads(file.read(size))
    except (OSError, ValueError, struct.error) as error:
        raise InvalidInput(f"{path} is no safetensors file: {error}", "Get it again") from error
