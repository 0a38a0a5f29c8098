"""The add-on's texts in other languages, through Blender's own mechanism.

A module for each, called as Blender calls the language, with TEXTS = {context: {English: translation}}.
"""

from __future__ import annotations

import bpy

from . import de_DE

_LANGUAGES = (de_DE,)
_KEY = __package__ or __name__


def register() -> None:
    """Known to Blender from now on; what they lack shows in English."""
    texts = {
        module.__name__.rpartition(".")[2]: {
            (context, text): told for context, known in module.TEXTS.items() for text, told in known.items()
        }
        for module in _LANGUAGES
    }
    bpy.app.translations.register(_KEY, texts)


def unregister() -> None:
    """Forgotten."""
    bpy.app.translations.unregister(_KEY)
