"""The tokenizer of tiny-scenes: CLIP's own, with a vocabulary in which each word that the model knows is one token."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from scripts.lib.byte_letters import byte_letters

Pair = tuple[str, str]

LENGTH = 48
"""tokens of a prompt; Stable Diffusion's 77 would drown the few words that count"""
_END = "</w>"


def known_words() -> list[str]:
    """Words of the training's prompts, the add-on's own prompts and its styles, as they were when training began.

    Kept in a file: another word would be another vocabulary, which trained weights do not fit.
    """
    return Path(__file__).with_name("words.txt").read_text("utf-8").split()


def tokenizer() -> Any:
    """A ``CLIPTokenizer``; what it does not know it spells."""
    from transformers import CLIPTokenizer

    letters = byte_letters()
    merges = _merges(known_words())
    tokens = [*letters, *(letter + _END for letter in letters), *("".join(pair) for pair in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
        lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
        Path(scratch, "merges.txt").write_text("\n".join(lines) + "\n", "utf-8")
        return CLIPTokenizer.from_pretrained(scratch, model_max_length=LENGTH)


def _merges(words: Iterable[str]) -> list[Pair]:
    """Byte pair encoding (Sennrich et al. 2016), gone on with until every word is one token."""
    spelt = [[*word[:-1], word[-1] + _END] for word in words]
    merges: list[Pair] = []
    while pairs := Counter(pair for word in spelt for pair in pairwise(word)):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        spelt = [_merged(word, best) for word in spelt]
    return merges


def _merged(word: list[str], pair: Pair) -> list[str]:
    result: list[str] = []
    for part in word:
        if result and (result[-1], part) == pair:
            result[-1] += part
        else:
            result.append(part)
    return result
