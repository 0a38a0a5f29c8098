"""Checkpoints of Segment Anything (``sam_vit_*.pth``) → its network.

The file holds weights and no description of the network: sizes are read off their shapes, so that networks of other
sizes than the three that were published load too, and those with the small image encoder of this project.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blender_segaddon.protocol.errors import SegAddonError

from .published import networks

State = Mapping[str, Any]

_HEADS = 8
"""Attention heads of the mask decoder: the one number that no shape tells; every published network has eight."""
MEAN, DEVIATION = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
"""Of the pictures that the published networks were trained on, 0 .. 255."""
_HINT = "Get the file again: sam_vit_b_01ec64.pth, sam_vit_l_0b3195.pth or sam_vit_h_4b8939.pth"


class CheckpointDamaged(SegAddonError):
    """A file is no checkpoint of Segment Anything, or not a whole one."""

    code = "model_damaged"


def load(path: Path, device: str) -> Any:
    """The network of a .pth file (``segment_anything.modeling.Sam``), float32, ready to be asked.

    Args:
        device: "cpu", "cuda" or "mps".

    Raises:
        CheckpointDamaged: it cannot be read, holds more than weights (a pickle can run code), or other ones.
    """
    state = _read(path)
    try:
        network = _build(state)
        network.load_state_dict(state)
    except (KeyError, RuntimeError, ValueError, IndexError, ZeroDivisionError) as error:
        text = f"{path.name} is no whole checkpoint of Segment Anything ({type(error).__name__})"
        raise CheckpointDamaged(text, _HINT) from error
    return network.float().eval().to(device)


def _read(path: Path) -> State:
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged file raises depends on where in it the damage is
        raise CheckpointDamaged(f"{path.name} cannot be read as weights: {type(error).__name__}", _HINT) from error
    return state if isinstance(state, dict) else {}


def _build(state: State) -> Any:
    """The network of these weights, with other ones. Raises KeyError for weights of something else."""
    parts = networks()
    encoder, side, grid = _encoder(state)
    hidden = state["mask_decoder.mask_tokens.weight"].shape[1]
    block = "mask_decoder.transformer.layers.0"
    return parts.Sam(
        image_encoder=encoder,
        prompt_encoder=parts.PromptEncoder(
            embed_dim=hidden,
            image_embedding_size=(grid, grid),
            input_image_size=(side, side),
            mask_in_chans=state["prompt_encoder.mask_downscaling.3.weight"].shape[0],
        ),
        mask_decoder=parts.MaskDecoder(
            num_multimask_outputs=state["mask_decoder.mask_tokens.weight"].shape[0] - 1,
            transformer=parts.TwoWayTransformer(
                depth=_count(state, r"mask_decoder\.transformer\.layers\.(\d+)\."),
                embedding_dim=hidden,
                mlp_dim=state[f"{block}.mlp.lin1.weight"].shape[0],
                num_heads=_HEADS,
                attention_downsample_rate=hidden // state[f"{block}.cross_attn_token_to_image.q_proj.weight"].shape[0],
            ),
            transformer_dim=hidden,
            iou_head_depth=_count(state, r"mask_decoder\.iou_prediction_head\.layers\.(\d+)\."),
            iou_head_hidden_dim=state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0],
        ),
        pixel_mean=MEAN,
        pixel_std=DEVIATION,
    )


def _encoder(state: State) -> tuple[Any, int, int]:
    """(the image encoder, the side of what it looks at in pixels, and of its answer in cells)."""
    if "image_encoder.stem.weight" in state:
        from .small_encoder import STEP, SmallEncoder

        small = SmallEncoder.like(state)
        return small, small.img_size, small.img_size // STEP // small.fold.stride[0]
    arguments = _arguments(state)
    side = arguments["img_size"]
    return networks().ImageEncoderViT(**arguments), side, side // arguments["patch_size"]


def _arguments(state: State) -> dict[str, Any]:
    """Of ``ImageEncoderViT``."""
    import torch

    width, _, patch, _ = state["image_encoder.patch_embed.proj.weight"].shape
    grid = state["image_encoder.pos_embed"].shape[1]
    blocks = _count(state, r"image_encoder\.blocks\.(\d+)\.")
    relative = [state[f"image_encoder.blocks.{number}.attn.rel_pos_h"].shape for number in range(blocks)]
    windows = [(length + 1) // 2 for length, _ in relative]  # a position each from -(n - 1) to n - 1
    return {
        "depth": blocks,
        "embed_dim": width,
        "img_size": grid * patch,
        "mlp_ratio": state["image_encoder.blocks.0.mlp.lin1.weight"].shape[0] / width,
        "norm_layer": functools.partial(torch.nn.LayerNorm, eps=1e-6),
        "num_heads": width // relative[0][1],
        "patch_size": patch,
        "qkv_bias": "image_encoder.blocks.0.attn.qkv.bias" in state,
        "use_rel_pos": True,
        "global_attn_indexes": tuple(number for number, window in enumerate(windows) if window == grid),
        "window_size": min(windows),
        "out_chans": state["image_encoder.neck.0.weight"].shape[0],
    }


def _count(state: State, pattern: str) -> int:
    return 1 + max((int(found[1]) for key in state if (found := re.match(pattern, key))), default=-1)
