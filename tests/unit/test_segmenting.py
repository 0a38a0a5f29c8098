"""What may be asked of a segmenter, and which part of a large picture is looked at once more."""

from __future__ import annotations

import pytest

from blender_segaddon.protocol.codec import from_json, to_json
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import BufferRef
from blender_segaddon.protocol.segmenting import PromptMessage, SegmentRequest, Source, check_segment

DIGEST = "0" * 64
CLICK = PromptMessage(((3.0, 4.0),), (1,))
LOGITS = BufferRef("float32", (256, 256), 0, 1 << 18)


def request(*prompts: PromptMessage, **fields) -> SegmentRequest:
    return SegmentRequest(**{"image": DIGEST, "height": 10, "width": 20, "prompts": prompts, **fields})


def test_a_request_survives_the_wire():
    source = Source("sam", DIGEST, (0, 0, 20, 10))
    asked = request(CLICK, PromptMessage(box=(1.0, 2.0, 3.0, 4.0), logits=LOGITS, source=source), sharp=True)
    assert from_json(SegmentRequest, to_json(asked)) == asked
    check_segment(asked)


@pytest.mark.parametrize("asked", [request(wanted="prepare"), request(wanted="everything"), request(text="a car")])
def test_what_needs_no_prompt(asked):
    check_segment(asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (request(), "nothing that is meant"),
        (request(CLICK, image="x"), "SHA-256"),
        (request(CLICK, height=0), "picture of"),
        (request(CLICK, height=100_000, width=100_000), "picture of"),
        (request(PromptMessage(((20.0, 4.0),), (1,))), r"point \(20, 4\) outside the picture.*20×10"),
        (request(PromptMessage(((3.0, 4.0),), (0,))), "no positive point and no box"),
        (request(PromptMessage(box=(5.0, 5.0, 5.0, 9.0))), "empty box"),
        (request(PromptMessage(box=(20.0, 0.0, 30.0, 9.0))), "empty box"),
        (request(PromptMessage(((3.0, 4.0),), (1,), logits=LOGITS)), "without their source"),
        (
            request(PromptMessage(((3.0, 4.0),), (1,), None, LOGITS, Source("a", "1" * 64, (0, 0, 9, 9)))),
            "another picture",
        ),
        (
            request(PromptMessage(((3.0, 4.0),), (1,), None, LOGITS, Source("a", DIGEST, (0, 0, 9, 9))), segmenter="b"),
            "a mask of a to go on from",
        ),
        (request(PromptMessage(((3.0, 4.0),), (1,), None, LOGITS, Source("a", DIGEST, (0, 0, 21, 9)))), "a window"),
        (request(CLICK, region=BufferRef("bool", (9, 20), 0, 180)), "region of another size"),
    ],
)
def test_what_cannot_be_asked(asked, said):
    with pytest.raises(InvalidInput, match=said):
        check_segment(asked)
