"""Styles: the words they add, and files of the user's own."""

from __future__ import annotations

import pytest

from blender_segaddon.core import styles
from blender_segaddon.protocol.errors import InvalidInput


def test_there_are_twenty_and_each_holds_the_prompt():
    shipped = styles.load()
    assert len(shipped) >= 20
    for style in shipped.values():
        prompt, negative = style.apply("a red barn", "people")
        assert "a red barn" in prompt
        assert negative.startswith("people, ")
        assert style.apply("")[0].strip(" ,") == style.apply("")[0]


def test_a_file_of_ones_own_stands_beside(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[night]\nprompt = "{prompt} in the dark"\n')
    assert styles.find("night", [path]).apply("a barn") == ("a barn in the dark", "")
    assert styles.find("watercolour", [path]).name == "watercolour"


@pytest.mark.parametrize(
    "text", ["[a]\nprompt = 'no place'", "[a]\nprompt = 1", "a = 1", "[a", "[a]\nprompt='{prompt}'\nx=1"]
)
def test_a_wrong_file_is_said(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"mine\.toml"):
        styles.load([path])


def test_an_unknown_style_names_those_there_are():
    with pytest.raises(InvalidInput, match="watercolour"):
        styles.find("nope")
