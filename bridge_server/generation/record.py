"""What made a picture, in words, so that it can be made again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import diffusers
import torch

from blender_segaddon.core.provenance import digest, maps_digest
from blender_segaddon.protocol.messages import Control, GenerateRequest

from ..generators import Inputs
from ..models import places
from ..models.catalogue import Model
from ..models.loading import Device
from . import regions
from .panorama import closes
from .sizes import Plan

UNGUIDED = "This model draws without guidance: the negative prompt and the guidance had no effect"

OPEN = "This model cannot close a panorama: its left and right borders do not meet"


def of_model(model: Model, folders: Sequence[Path], device: Device) -> dict[str, str]:
    """What is the same for all pictures of a loaded model."""
    return {
        "model": model.id,
        "revisions": ", ".join(places.revisions(model, folders)),
        "licence": model.licence,
        "device": _device_name(device),
        "precision": "half" if device.half else "single",
        "threads": "" if device.has_own_memory else str(torch.get_num_threads()),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
    }


def of_picture(inputs: Inputs, model: Model, controls: Sequence[Control], wanted: Plan) -> dict[str, str]:
    """What is this picture's own."""
    request = inputs.request
    passes = [one for one in (wanted.first, wanted.second) if one is not None]
    own, others = regions.from_maps(inputs.maps) if inputs.maps else ([], [])
    return {
        "steps": str(request.options.steps or model.steps),
        "guidance": f"{guidance(request, model):g}",
        "controls": ", ".join(f"{one.kind} {one.weight:g} ({one.start:g}–{one.end:g})" for one in controls),
        "regions": json.dumps([*(one.text for one in own), *others], ensure_ascii=False),
        "region_strength": f"{request.options.region_strength:g}",
        "loras": ", ".join(f"{one.name} {one.weight:g}" for one in request.options.loras),
        "references": ", ".join(f"{digest(one.image)} {one.weight:g}" for one in inputs.references),
        "started_from": "" if inputs.image is None else digest(inputs.image),
        "masked": "" if inputs.mask is None else digest(inputs.mask),
        "drawn": ", then ".join(f"{one.content[0]}×{one.content[1]}" for one in passes),
        "batch": "1",  # candidates are drawn one by one, so that each can be made again alone
        "maps": maps_digest(inputs.maps) if inputs.maps else "",
        "notes": "; ".join(notes(inputs, model)),
    }


def notes(inputs: Inputs, model: Model) -> list[str]:
    """What of the request had no effect, one sentence each."""
    request = inputs.request
    asked = request.negative_prompt or request.options.guidance not in (None, model.guidance)
    around = inputs.maps is not None and closes(inputs.maps.camera)
    return [UNGUIDED] * bool(asked and not model.guided) + [OPEN] * bool(around and not model.closes)


def guidance(request: GenerateRequest, model: Model) -> float:
    """Of a run; distilled models have their own, whatever is asked."""
    asked = request.options.guidance
    return model.guidance if asked is None or not model.guided else asked


def _device_name(device: Device) -> str:
    return f"{device.name} {torch.cuda.get_device_name()}" if device.name == "cuda" else device.name
