"""Segmenters with random weights in the formats of the real ones. See ``scripts.lib.tiny_models``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertTokenizerFast,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    Sam2Config,
    Sam2HieraDetConfig,
    Sam2Model,
    Sam2VisionConfig,
    SwinConfig,
)

from bridge_server.segmentation.checkpoint import DEVIATION, MEAN
from bridge_server.segmentation.published import networks


def randomise(model):
    """Give layers that start at zero small random weights."""
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.1)
    return model.eval()


def sam(side: int, width: int, depth: int, heads: int, hidden: int, everywhere: tuple[int, ...], window: int) -> Any:
    """Segment Anything of any size, random weights; sam(1024, 768, 12, 12, 256, (2, 5, 8, 11), 14) is vit_b.

    Args:
        side: pixels of the square that it sees, a multiple of 16.
        width, depth, heads: of the encoder; ``everywhere``: its blocks that look beyond windows of ``window`` patches.
        hidden: of the decoder, a multiple of 64.
    """
    parts = networks()
    grid = side // 16
    norm = functools.partial(torch.nn.LayerNorm, eps=1e-6)
    return parts.Sam(
        image_encoder=parts.ImageEncoderViT(
            img_size=side,
            embed_dim=width,
            depth=depth,
            num_heads=heads,
            out_chans=hidden,
            norm_layer=norm,
            use_rel_pos=True,
            global_attn_indexes=everywhere,
            window_size=window,
        ),
        prompt_encoder=parts.PromptEncoder(
            embed_dim=hidden, image_embedding_size=(grid, grid), input_image_size=(side, side), mask_in_chans=16
        ),
        mask_decoder=parts.MaskDecoder(
            transformer_dim=hidden,
            transformer=parts.TwoWayTransformer(depth=2, embedding_dim=hidden, num_heads=8, mlp_dim=8 * hidden),
            iou_head_hidden_dim=hidden,
        ),
        pixel_mean=MEAN,
        pixel_std=DEVIATION,
    ).eval()


def write_sam(file: Path) -> None:
    """A checkpoint as those of Segment Anything, of none of their sizes."""
    torch.save(randomise(sam(128, 32, 3, 2, 64, (2,), 3)).state_dict(), file)


def write_sam2(folder: Path) -> None:
    """SAM 2.1 in a folder of transformers."""
    backbone = Sam2HieraDetConfig(
        hidden_size=16,
        num_attention_heads=1,
        image_size=[128, 128],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        window_size_per_stage=[8, 4, 4, 2],
        global_attention_blocks=[3],
        window_positional_embedding_background_size=[4, 4],
    )
    config = Sam2Config(
        vision_config=Sam2VisionConfig(
            backbone_config=backbone,
            backbone_channel_list=[128, 64, 32, 16],
            fpn_hidden_size=32,
            backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
        ),
        prompt_encoder_config={"hidden_size": 32, "image_size": 128},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 64,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": 32,
        },
    )
    randomise(Sam2Model(config)).save_pretrained(folder)


def write_detector(folder: Path) -> None:
    """Grounding DINO in a folder of transformers, with a tokenizer of single letters."""
    backbone = SwinConfig(
        image_size=64, patch_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", *letters, *(f"##{one}" for one in letters)]
    config = GroundingDinoConfig(
        backbone_config=backbone,
        text_config={
            "model_type": "bert", "vocab_size": len(words), "hidden_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 64,
        },
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, num_queries=20, num_feature_levels=4, max_text_len=64,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    randomise(GroundingDinoForObjectDetection(config)).save_pretrained(folder)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(words))
    BertTokenizerFast(str(vocabulary)).save_pretrained(folder)
