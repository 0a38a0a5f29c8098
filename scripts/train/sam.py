"""Trains tiny-sam: Segment Anything's own architecture with a small image encoder, on clicks and boxes."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from bridge_server.segmentation.published import networks

from . import data
from .running import CARDS, Run, device

SIDE, PATCH, WIDTH, DEPTH, HEADS, HIDDEN, WINDOW = 192, 8, 96, 4, 3, 64, 8
EVERYWHERE = (1, 3)
"""Blocks that look beyond their windows."""
LOW = SIDE // PATCH * 4
"""side in pixels of the masks that the network draws"""
IMAGES, PROMPTS = 4, 8
"""of a step: pictures, and prompts on each"""
SMALLEST = 40
"""pixels of SIDE²: smaller things are not asked for"""


def network() -> Any:
    """``segment_anything.modeling.Sam`` of our sizes; its checkpoint needs no description beside it."""
    parts = networks()
    grid = SIDE // PATCH
    return parts.Sam(
        image_encoder=parts.ImageEncoderViT(
            img_size=SIDE,
            patch_size=PATCH,
            embed_dim=WIDTH,
            depth=DEPTH,
            num_heads=HEADS,
            mlp_ratio=3,
            out_chans=HIDDEN,
            qkv_bias=True,
            norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            global_attn_indexes=EVERYWHERE,
            window_size=WINDOW,
        ),
        prompt_encoder=parts.PromptEncoder(
            embed_dim=HIDDEN, image_embedding_size=(grid, grid), input_image_size=(SIDE, SIDE), mask_in_chans=16
        ),
        mask_decoder=parts.MaskDecoder(
            transformer_dim=HIDDEN,
            transformer=parts.TwoWayTransformer(depth=2, embedding_dim=HIDDEN, num_heads=8, mlp_dim=4 * HIDDEN),
            iou_head_hidden_dim=HIDDEN,
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    )


def _attentive(net: Any) -> None:
    """Let the decoder look where the prompt is, and the encoder at what differs, from the start.

    Both sides of the decoder's attention read places alike: those are Fourier features, whose product is large for near
    ones. Random weights take thousands of steps to find that.
    """
    transformer = net.mask_decoder.transformer
    layers = [one.cross_attn_token_to_image for one in transformer.layers]
    layers += [one.cross_attn_image_to_token for one in transformer.layers]
    with torch.no_grad():
        net.image_encoder.patch_embed.proj.weight.mul_(4.0)  # what differs between patches, not what they share
        net.image_encoder.patch_embed.proj.bias.zero_()
        for one in (*layers, transformer.final_attn_token_to_image):
            one.q_proj.weight.mul_(3.0)
            one.k_proj.weight.copy_(one.q_proj.weight)


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture as the network sees it, and prompts of one kind on it."""

    picture: torch.Tensor
    """float 3×SIDE×SIDE, 0..255, filled up with nothing"""
    masks: torch.Tensor
    """float N×SIDE×SIDE: what each prompt means"""
    points: torch.Tensor
    """float N×2, inside of what is meant"""
    boxes: torch.Tensor
    """float N×4"""
    by_box: bool


class Samples:
    """Random samples out of what ``data`` made."""

    def __init__(self, folder: Path, seed: int, held_out: bool = False) -> None:
        parts = list(data.shards("sam", folder, held_out))
        self._pictures = np.concatenate([one["picture"] for one in parts])
        self._ids = np.concatenate([one["ids"] for one in parts])
        self._random = np.random.default_rng(seed)

    def draw(self) -> Sample:
        """Another one each time."""
        random = self._random
        picture, ids, kinds, pixels = self._shown()
        chosen = random.choice(kinds, PROMPTS, p=np.sqrt(pixels) / np.sqrt(pixels).sum())
        masks = np.stack([ids == one for one in chosen])
        points = np.stack([inside(mask, random) for mask in masks])
        boxes = np.stack([_jittered(mask, random) for mask in masks])
        return Sample(
            torch.from_numpy(_changed(picture, ids, random)).permute(2, 0, 1),
            torch.from_numpy(masks.astype(np.float32)),
            torch.from_numpy(points),
            torch.from_numpy(boxes),
            bool(random.random() < 0.35),
        )

    def _shown(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(picture, ids, the ids that can be asked for, their pixels): at least two, one alone would have no border."""
        while True:
            number = int(self._random.integers(len(self._ids)))
            picture, ids = self._cropped(self._pictures[number, self._random.integers(2)], self._ids[number])
            kinds, pixels = np.unique(ids[ids < 255], return_counts=True)
            large = pixels >= SMALLEST
            if large.sum() >= 2:
                return picture, ids, kinds[large], pixels[large]

    def _cropped(self, picture: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A part of a picture, enlarged so that its longer side is SIDE; ids of what lies beyond are 255."""
        random = self._random
        aspect = float(np.exp(random.uniform(-0.65, 0.65))) if random.random() < 0.7 else 1.0
        whole = len(ids)
        side = whole * (1.0 if random.random() < 0.5 else random.uniform(0.45, 1))
        height, width = int(side * min(1, aspect)), int(side * min(1, 1 / aspect))
        top, left = random.integers(0, whole - height + 1), random.integers(0, whole - width + 1)
        scale = max(height, width) / SIDE
        rows, columns = round(height / scale), round(width / scale)
        y = np.minimum(top + ((np.arange(rows) + 0.5) * scale).astype(int), whole - 1)
        x = np.minimum(left + ((np.arange(columns) + 0.5) * scale).astype(int), whole - 1)
        if random.random() < 0.5:
            x = x[::-1]
        out_picture, out_ids = np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE), 255, np.uint8)
        out_picture[:rows, :columns] = picture[y[:, None], x]
        out_ids[:rows, :columns] = ids[y[:, None], x]
        return out_picture, out_ids


def inside(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """float32 (x, y) of a pixel's centre inside a mask, as people click: away from its border."""
    inner = mask
    for _ in range(random.integers(0, 6)):
        eroded = inner[1:-1, 1:-1] & inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
        smaller = np.zeros_like(inner)
        smaller[1:-1, 1:-1] = eroded
        if not smaller.any():
            break
        inner = smaller
    places = np.argwhere(inner)
    y, x = places[random.integers(len(places))]
    return np.array([x + 0.5, y + 0.5], np.float32)


def _jittered(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    ys, xs = np.nonzero(mask)
    box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)
    size = np.array([box[2] - box[0], box[3] - box[1]] * 2, np.float32)
    return np.clip(box + random.normal(0, 0.04, 4).astype(np.float32) * np.minimum(size, 60), 0, SIDE)


def _changed(picture: np.ndarray, ids: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """float32: the same picture in another light, a little noisy or soft."""
    changed = picture.astype(np.float32)
    changed = (changed - 128) * random.uniform(0.6, 1.4) + 128 + random.uniform(-40, 40)
    changed = changed * random.uniform(0.85, 1.15, 3).astype(np.float32)
    if random.random() < 0.4:
        changed[:-1] = (changed[:-1] + changed[1:]) / 2
        changed[:, :-1] = (changed[:, :-1] + changed[:, 1:]) / 2
    changed += random.normal(0, random.uniform(0, 6), changed.shape)
    changed[ids == 255] = (123.675, 116.28, 103.53)
    return np.clip(changed, 0, 255).astype(np.float32)


def ask(
    net: Any,
    features: torch.Tensor,
    points: torch.Tensor | None,
    labels: torch.Tensor | None,
    boxes: torch.Tensor | None = None,
    logits: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """All four masks for each prompt: (logits N×4×LOW×LOW, scores N×4); the first is the one for clear prompts."""
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
    """(loss N×4 of each mask, loss N×4 of its own score, IoU N×4) against what is meant, N×LOW×LOW in 0..1."""
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
    wanted = F.avg_pool2d(sample.masks.to(where)[None], SIDE // LOW)[0]
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
        places.append(((x * SIDE / LOW), (y * SIDE / LOW)))
        kinds.append(float(other[int(y), int(x)]))
    return torch.tensor(places, dtype=torch.float32), torch.tensor(kinds)


def train(folder: Path, steps: int, seed: int = 0) -> Run:
    """Train, or go on with a training; the run holds the averaged weights."""
    torch.manual_seed(seed)
    net = network().to(device())
    _attentive(net)
    run = Run("tiny-sam", folder, net, steps, lr=1.5e-3, warmup=100)
    samples = Samples(folder / "data", seed + run.step)
    random = np.random.default_rng(seed + run.step)
    for _ in run.go():
        batch = [samples.draw() for _ in range(IMAGES)]
        features = encode(net, [one.picture for one in batch])
        parts = [_step(net, one, features[index : index + 1], random) for index, one in enumerate(batch)]
        figures: dict[str, float] = {}
        for _, told in parts:
            figures |= told
        run.learn(torch.stack([loss for loss, _ in parts]).mean(), **figures)
    return run


def encode(net: Any, pictures: Sequence[torch.Tensor]) -> torch.Tensor:
    """Features of pictures, float 3×SIDE×SIDE each."""
    return net.image_encoder(net.preprocess(torch.stack(list(pictures)).to(net.pixel_mean.device)))


def export(run: Run, file: Path) -> None:
    """The averaged weights as a checkpoint of Segment Anything, in half precision: loading makes them whole again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(CARDS / "tiny-sam.md", file.with_suffix(".md"))
    torch.save({name: value.half().contiguous().cpu() for name, value in run.average.state.items()}, file)
