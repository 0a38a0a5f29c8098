"""Reference pictures: what something should look like, shown instead of told (IP-Adapter)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from PIL import Image
from transformers import CLIPImageProcessorPil, CLIPVisionModelWithProjection

from blender_segaddon.core.maps import SceneMaps

from ..generators import ReferenceInput
from .regions import RegionWeights, with_bias
from .sizes import Pass, fit_map


class References:
    """The adapter of a loaded UNet; without references the UNet is what it was.

    Args:
        base: the pipeline that it is loaded into.
        weights: the adapter's .safetensors file.
        encoder: folder of its image encoder.
        regions: of the UNet.
    """

    def __init__(self, base: Any, weights: Any, encoder: Any, regions: RegionWeights) -> None:
        self._base = base
        self._unet = base.unet
        self._plain = dict(self._unet.attn_processors)
        vision = CLIPVisionModelWithProjection.from_pretrained(encoder, dtype=base.dtype, local_files_only=True)
        side = vision.config.image_size
        seeing = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
        base.register_modules(image_encoder=vision.to(base.device).eval(), feature_extractor=seeing)
        base.load_ip_adapter(weights.parent, subfolder="", weight_name=weights.name, local_files_only=True)
        self._projection = self._unet.encoder_hid_proj
        self._seeing = {
            name: _referring(one, regions) if isinstance(one, IPAdapterAttnProcessor2_0) else self._plain[name]
            for name, one in self._unet.attn_processors.items()
        }
        self._seen: tuple[Any, ...] = ()
        self._embedded: dict[bool, list[torch.Tensor]] = {}
        self.use(())

    def use(self, references: Sequence[ReferenceInput]) -> None:
        """Let these act, and no other."""
        acting = bool(references)
        self._unet.encoder_hid_proj = self._projection if acting else None
        self._unet.config.encoder_hid_dim_type = "ip_image_proj" if acting else None
        self._unet.set_attn_processor(dict(self._seeing if acting else self._plain))

    def told(
        self, references: Sequence[ReferenceInput], maps: SceneMaps | None, size: Pass, *, guided: bool
    ) -> dict[str, Any]:
        """The options of the pipeline's call for references that act, see ``use``."""
        if not references:
            return {}
        told: dict[str, Any] = {"ip_adapter_image_embeds": self._read(references, guided)}
        scales: Any = [one.weight for one in references]
        if len(references) == 1 and not references[0].instances:
            scales = scales[0]
        else:
            shares = torch.from_numpy(np.stack([_where(one, maps, size) for one in references]).astype(np.float32))
            told["cross_attention_kwargs"] = {"ip_adapter_masks": [shares[None]]}
        for one in self._seeing.values():
            if isinstance(one, IPAdapterAttnProcessor2_0):
                one.scale = [scales]
        return told

    def _read(self, references: Sequence[ReferenceInput], guided: bool) -> list[torch.Tensor]:
        """What the image encoder makes of them: remembered for the candidates of a job."""
        given = tuple(one.image for one in references)
        if len(given) != len(self._seen) or any(a is not b for a, b in zip(given, self._seen, strict=True)):
            self._seen, self._embedded = given, {}
        if guided not in self._embedded:
            pictures = [Image.fromarray(one.image) for one in references]
            with torch.no_grad():
                self._embedded[guided] = self._base.prepare_ip_adapter_image_embeds(
                    [pictures], None, self._base.device, 1, guided
                )
        return self._embedded[guided]


class _Referring(IPAdapterAttnProcessor2_0):
    """The adapter's attention with the regions' bias on the texts."""

    regions: RegionWeights

    # diffusers passes on what is named here, and nothing else.
    def __call__(
        self,
        attn,
        hidden_states,
        encoder_hidden_states=None,
        attention_mask=None,
        temb=None,
        scale=1.0,
        ip_adapter_masks=None,
    ):
        mask = with_bias(self.regions, attn, hidden_states, attention_mask)
        return super().__call__(
            attn, hidden_states, encoder_hidden_states, mask, temb, scale, ip_adapter_masks=ip_adapter_masks
        )


def _referring(stock: IPAdapterAttnProcessor2_0, regions: RegionWeights) -> _Referring:
    made = _Referring(stock.hidden_size, stock.cross_attention_dim, stock.num_tokens, stock.scale)
    made.load_state_dict(stock.state_dict())
    made.regions = regions
    weight = stock.to_k_ip[0].weight
    return made.to(weight.device, weight.dtype)


def _where(one: ReferenceInput, maps: SceneMaps | None, size: Pass) -> np.ndarray:
    """bool of the pass's padded size: where it acts."""
    if maps is None or not one.instances:
        return np.ones(size.padded[::-1], bool)
    return fit_map(np.isin(maps.instance_map, one.instances), size)
