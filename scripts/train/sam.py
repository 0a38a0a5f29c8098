"""Trains tiny-sam: Segment Anything's own architecture with a small image encoder, on clicks and boxes."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from bridge_server.segmentation.checkpoint import DEVIATION, MEAN
from bridge_server.segmentation.published import networks
from bridge_server.segmentation.small_encoder import STEP, SmallEncoder

from .running import CARDS, Run, device
from .sam_samples import Sample, Samples, inside

SIDE, CELL, HIDDEN, HEADS = 256, 8, 128, 8
SIDES = ((0.8, 128), (0.97, 192), (1.0, SIDE))
"""Up to which part of the steps pictures have which side: the weights are the same, and small ones are quick."""
SAMPLED = CELL // 4
"""pixels of a picture from one that is drawn of a mask to the next"""
IMAGES, PROMPTS = 4, 8
"""of a step: pictures, and prompts on each"""
BORDER_IMAGES, BORDER_STEPS = 6, 1500
"""of the first lesson"""
_SCALES = (0.7, 1.5, 3.0, 6.0)
"""Of the waves by which the decoder knows places: wide ones for boxes, narrow ones for clicks on small things."""
_SHARP = 2.5
"""How narrowly the decoder looks where a click is, before it is trained."""


def network() -> Any:
    """``segment_anything.modeling.Sam`` of our sizes; its checkpoint needs no description beside it."""
    parts = networks()
    transformer = functools.partial(parts.TwoWayTransformer, depth=2, embedding_dim=HIDDEN, num_heads=HEADS)
    net = parts.Sam(
        image_encoder=SmallEncoder(SIDE, CELL, HIDDEN),
        prompt_encoder=parts.PromptEncoder(
            embed_dim=HIDDEN,
            image_embedding_size=(SIDE // CELL,) * 2,
            input_image_size=(SIDE, SIDE),
            mask_in_chans=16,
        ),
        mask_decoder=parts.MaskDecoder(
            transformer_dim=HIDDEN,
            transformer=transformer(mlp_dim=2 * HIDDEN, attention_downsample_rate=1),
            iou_head_hidden_dim=HIDDEN,
        ),
        pixel_mean=MEAN,
        pixel_std=DEVIATION,
    )
    _attentive(net)
    return net


def _attentive(net: Any) -> None:
    """Let the decoder look where the prompt is from the start, which random weights take thousands of steps to find.

    A place is known by sines and cosines of waves. Where both sides of an attention read the same waves alike, the
    product is large for near places and small for others, each head with waves of its own.
    """
    prompts, decoder = net.prompt_encoder, net.mask_decoder
    transformer = decoder.transformer
    looking = [one.cross_attn_token_to_image for one in transformer.layers]
    looking += [one.cross_attn_image_to_token for one in transformer.layers]
    waves = prompts.pe_layer.positional_encoding_gaussian_matrix
    scales = torch.tensor(_SCALES)[torch.arange(HIDDEN // 2) % len(_SCALES)]
    read = torch.arange(HIDDEN).reshape(2, HIDDEN // 2).T.flatten()  # sine and cosine of a wave beside each other
    with torch.no_grad():
        waves.copy_(torch.randn(waves.shape) * scales)
        for one in (*looking, transformer.final_attn_token_to_image):
            for side in (one.q_proj, one.k_proj):
                side.weight.mul_(0.3)
                side.bias.zero_()
                side.weight[torch.arange(HIDDEN), read] += _SHARP
        learned = [*prompts.point_embeddings, prompts.not_a_point_embed, decoder.mask_tokens, decoder.iou_token]
        for one in learned:  # they would outshout the place that they are added to
            one.weight.mul_(0.3)


def _at_side(net: Any, side: int) -> None:
    """Let the network look at pictures of that side."""
    net.image_encoder.img_size = side
    net.prompt_encoder.image_embedding_size = (side // CELL,) * 2
    net.prompt_encoder.input_image_size = (side, side)


def ask(
    net: Any,
    features: torch.Tensor,
    points: torch.Tensor | None,
    labels: torch.Tensor | None,
    boxes: torch.Tensor | None = None,
    logits: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """All four masks for each prompt: (logits N×4×L×L, scores N×4); the first is the one for clear prompts."""
    told = None if points is None else (points, labels)
    sparse, dense = net.prompt_encoder(points=told, boxes=boxes, masks=logits)
    return net.mask_decoder.predict_masks(
        image_embeddings=features,
        image_pe=net.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
    )


Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def losses(logits: torch.Tensor, scores: torch.Tensor, wanted: torch.Tensor) -> Tensors:
    """(loss N×4 of each mask, loss N×4 of its own score, IoU N×4) against what is meant, N×L×L in 0..1."""
    target = wanted[:, None].expand_as(logits)
    inside = torch.sigmoid(logits)
    cross = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    within = (cross * target).sum((2, 3)) / target.sum((2, 3)).clamp(min=1)
    beyond = (cross * (1 - target)).sum((2, 3)) / (1 - target).sum((2, 3)).clamp(min=1)
    dice = 1 - (2 * (inside * target).sum((2, 3)) + 1) / ((inside + target).sum((2, 3)) + 1)
    with torch.no_grad():
        drawn, meant = logits > 0, target > 0.5
        iou = (drawn & meant).sum((2, 3)) / (drawn | meant).sum((2, 3)).clamp(min=1)
    # Half of the loss by each side of the border: most things are small, and "nothing" would be a good answer else.
    return 0.5 * (within + beyond) + cross.mean((2, 3)) + dice, (scores - iou) ** 2, iou


def _step(
    net: Any, sample: Sample, features: torch.Tensor, random: np.random.Generator
) -> tuple[torch.Tensor, dict[str, float]]:
    where = features.device
    wanted = F.avg_pool2d(sample.masks.to(where)[None], SAMPLED)[0]
    points, labels = sample.points.to(where)[:, None], torch.ones(PROMPTS, 1, device=where)
    if sample.by_box:
        logits, scores = ask(net, features, None, None, sample.boxes.to(where))
    else:
        logits, scores = ask(net, features, points, labels)
    fit, honest, iou = losses(logits, scores, wanted)
    several, best = fit[:, 1:].min(1)
    weights = (1.0, 0.3) if sample.by_box else (0.4, 1.0)
    loss = (weights[0] * fit[:, 0] + weights[1] * several + 0.05 * fit[:, 1:].mean(1)).mean() + honest.mean()
    figures = {"box" if sample.by_box else "click": (iou[:, 0] if sample.by_box else iou[:, 1:].amax(1)).mean().item()}
    if random.random() < 0.35:  # one more click where the mask is wrong, the mask itself given back
        chosen = logits[torch.arange(PROMPTS), 0 if sample.by_box else best + 1].detach()
        more, kinds = _correction(chosen, wanted, random)
        again, told = ask(
            net,
            features,
            torch.cat([points, more.to(where)[:, None]], 1),
            torch.cat([labels, kinds.to(where)[:, None]], 1),
            None,
            chosen[:, None],
        )
        fit, honest, iou = losses(again, told, wanted)
        loss = loss + (fit[:, 0] + 0.2 * fit[:, 1:].min(1)[0]).mean() + honest.mean()
        figures["again"] = iou[:, 0].mean().item()
    return loss, figures


def _correction(
    logits: torch.Tensor, wanted: torch.Tensor, random: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """(float N×2 places, float N labels) of clicks where drawn and meant differ."""
    drawn, meant = (logits > 0).cpu().numpy(), (wanted > 0.5).cpu().numpy()
    places, kinds = [], []
    for one, other in zip(drawn, meant, strict=True):
        wrong = one != other
        x, y = inside(wrong if wrong.any() else other | one | True, random)
        places.append((x * SAMPLED, y * SAMPLED))
        kinds.append(float(other[int(y), int(x)]))
    return torch.tensor(places, dtype=torch.float32), torch.tensor(kinds)


def train_borders(folder: Path, steps: int, seed: int = 0) -> Run:
    """The encoder's first lesson, or the rest of it: borders alone. What the U-Net sees then is not taught again."""
    torch.manual_seed(seed)
    net = network().to(device())
    run = Run("tiny-sam-borders", folder, net.image_encoder, steps, lr=3e-3, warmup=50, decay=0.99)
    samples = Samples(folder / "data", seed + run.step)
    for step in run.go():
        side = 192 if step > 0.4 * steps else 128
        _at_side(net, side)
        batch = [samples.draw(side, 1) for _ in range(BORDER_IMAGES)]
        seen = _looked(net, net.preprocess(torch.stack([one.picture for one in batch]).to(device())))
        run.learn(_missed(net.image_encoder.borders(seen), torch.stack([one.ids for one in batch]).to(device())))
    return run


def train(folder: Path, steps: int, seed: int = 0) -> Run:
    """Train, or go on with a training; the run holds the averaged weights."""
    torch.manual_seed(seed)
    net = network().to(device())
    if not (folder / "tiny-sam.pt").exists():
        net.image_encoder.load_state_dict(train_borders(folder, min(BORDER_STEPS, steps), seed).average.state)
    encoder = net.image_encoder
    encoder.requires_grad_(False)  # who learns to ask blurs the borders first, and loses more than is won
    for later in (encoder.fold, encoder.beside, encoder.norm, encoder.mlp, encoder.out):
        later.requires_grad_(True)
    run = Run("tiny-sam", folder, net, steps, lr=1e-3, warmup=50, muon=0.012)
    samples = Samples(folder / "data", seed + run.step)
    random = np.random.default_rng(seed + run.step)
    for step in run.go():
        side = next(side for until, side in SIDES if step < until * steps)
        _at_side(net, side)
        batch = [samples.draw(side, PROMPTS) for _ in range(IMAGES)]
        seen = _seen(net, [one.picture for one in batch])
        parts = [_step(net, one, seen[index : index + 1], random) for index, one in enumerate(batch)]
        figures: dict[str, float] = {}
        for _, told in parts:
            figures |= told
        run.learn(torch.stack([loss for loss, _ in parts]).mean(), **figures)
    _at_side(net, SIDE)
    return run


def _seen(net: Any, pictures: Sequence[torch.Tensor]) -> torch.Tensor:
    """Features of pictures, float 3×S×S each."""
    shown = net.preprocess(torch.stack(list(pictures)).to(net.pixel_mean.device))
    return net.image_encoder.gather(shown, _looked(net, shown))


def _looked(net: Any, shown: torch.Tensor) -> torch.Tensor:
    """What the U-Net sees, in bfloat16, which is exact enough."""
    with torch.autocast(shown.device.type, torch.bfloat16):
        return net.image_encoder.look(shown).float()


def _missed(borders: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Loss of the borders that the encoder sees, logits B×2×(S/2)×(S/2), against those between things B×S×S."""
    cells = ids[:, STEP // 2 :: STEP, STEP // 2 :: STEP]
    across, down = cells[:, :, 1:] != cells[:, :, :-1], cells[:, 1:] != cells[:, :-1]
    often = torch.tensor(3.0, device=borders.device)  # there are few, and one that is missed joins two things
    pairs = ((borders[:, 0, :, :-1], across), (borders[:, 1, :-1], down))
    losses = [F.binary_cross_entropy_with_logits(told, there.float(), pos_weight=often) for told, there in pairs]
    return losses[0] + losses[1]


def export(run: Run, file: Path) -> None:
    """The averaged weights as a checkpoint of Segment Anything, in half precision: loading makes them whole again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(CARDS / "tiny-sam.md", file.with_suffix(".md"))
    torch.save({name: value.half().contiguous().cpu() for name, value in run.average.state.items()}, file)
