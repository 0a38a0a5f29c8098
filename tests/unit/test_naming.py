import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from blender_segaddon.core import words
from blender_segaddon.core.maps import NO_CLASS
from blender_segaddon.core.naming import NO_MATCH, NameEvidence, classify
from blender_segaddon.core.vocabulary import load
from blender_segaddon.core.words import split


def rows_of(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))


ADE20K, COCO = load("ade20k"), load("coco_panoptic")
# Hand labels, written before the matcher saw them. "a|b": either is right; "-": no class is right.
LABELS = rows_of(Path(__file__).parent / "data" / "name_labels.csv")


def named(name: str, vocabulary=ADE20K) -> str | None:
    return classify(NameEvidence(object=name), vocabulary).class_name


def hit_rate(rows: Iterable[dict[str, str]]) -> tuple[float, float]:
    """Shares of names that got a right answer, and of those that got a wrong class."""
    answers = [(named(row["name"]) or "-", row["class"].split("|")) for row in rows]
    right = sum(answer in labels for answer, labels in answers)
    wrong = sum(answer not in labels and answer != "-" for answer, labels in answers)
    return right / len(answers), wrong / len(answers)


@pytest.mark.parametrize("source", ["scenes", "public_assets"])
def test_hit_rate_on_hand_labelled_names(source):
    right, wrong = hit_rate(row for row in LABELS if (row["scene"] == "public_assets") == (source != "scenes"))
    assert right >= 0.90 and wrong <= 0.03, f"{right:.3f} right, {wrong:.3f} wrong"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("streetlamp", "streetlight"),
        ("Street_Light.004", "streetlight"),
        ("bookshelf", "bookcase"),
        ("benches", "bench"),
        ("leaves", "tree"),
        ("SM_Chair_01a", "chair"),
        ("TreeTrunk", "tree"),
        ("Stone_Wall", "wall"),
        # the last word is the head …
        ("HouseWallB", "wall"),
        ("TVCabinet", "cabinet"),
        # … unless it is where the thing stands, an accessory, or material
        ("lamp_table", "lamp"),
        ("table_lamp", "lamp"),
        ("clock_wall", "clock"),
        ("armchair_pillows", "armchair"),
        ("wall_lamps", "lamp"),
        ("road-straight-lightposts", "road"),
        ("Wall_With_Door", "wall"),
        ("box_of_books", "box"),
        ("group_of_trees", "tree"),
        ("mesa_de_centro", "table"),
        # other languages
        ("Straßenlaterne", "streetlight"),
        ("Stühle.002", "chair"),
        ("Bäume", "tree"),
        ("fenêtre", "windowpane"),
        ("lámpara", "lamp"),
        ("sedia", "chair"),
        ("árvore", "tree"),
    ],
)
def test_names(name, expected):
    assert named(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "Cube.001",
        "Plane",
        "Object_12",
        "Box001",
        "BezierCurve",
        "Material.001",
        "",
        "0YvctVUKr0kugbFTf53O9L",
        "6fbe6d0a-bed1-4c1c-9a0e-2bedbedbed00",
        "3f2a9c1bed44",
    ],
)
def test_primitives_and_ids_say_nothing(name):
    assert classify(NameEvidence(object=name, data=name, materials=(name,)), ADE20K) == NO_MATCH


@pytest.mark.parametrize("name", ["unfinished", "scarpet", "planet", "Dumbbell", "machine_02"])
def test_no_class_from_parts_of_words_or_misfits(name):
    assert named(name) is None


def test_own_words_of_coco_and_those_translated_to_it():
    assert [named(name, COCO) for name in ("Dog", "Cup_01", "sofa", "Baum", "streetlamp", "Plane")] == [
        "dog",
        "cup",
        "couch",
        "tree-merged",
        "light",
        None,
    ]


@pytest.mark.parametrize(
    ("evidence", "expected", "source"),
    [
        (NameEvidence("Cube.003", instancer="Rock_scatter"), "rock", "instancer name"),
        (NameEvidence("Cube", data="Chair"), "chair", "data name"),
        (NameEvidence("Body", parents=("Car_03", "City")), "car", "parent name"),
        (NameEvidence("Cube.003", collections=("Scene Collection", "Trees")), "tree", "collection name"),
        (NameEvidence("Plane", materials=("Material.001", "Grass")), "grass", "material name"),
        (NameEvidence("Tree", collections=("Street",), materials=("Bark",)), "tree", "object name"),
        (NameEvidence("Roof", parents=("Car",)), "car", "parent name"),
    ],
)
def test_where_the_class_comes_from(evidence, expected, source):
    found = classify(evidence, ADE20K)
    assert (found.class_name, found.source) == (expected, source) and 0 < found.score <= 1


@pytest.mark.parametrize(
    "evidence",
    [
        NameEvidence("Mailbox_02", collections=("Street",)),  # stands there, is none
        NameEvidence("Zorb", parents=("Wall",)),
        NameEvidence("Dumbbell", parents=("Table",), collections=("Chairs",)),  # known to fit no class
        NameEvidence("Cube", materials=("Grass", "Water")),  # they contradict each other
    ],
)
def test_no_silent_guess_from_what_stands_around(evidence):
    assert classify(evidence, ADE20K) == NO_MATCH


def test_explicit_classes_win_in_their_order():
    evidence = NameEvidence("Tree", explicit=(("object property", "Couch"), ("collection property", "road")))
    found = classify(evidence, ADE20K)
    assert (found.class_name, found.source, found.score) == ("sofa", "object property", 1.0)


def test_an_unknown_explicit_class_is_said_and_not_guessed():
    found = classify(NameEvidence("Tree", explicit=(("object property", "roaad"),)), ADE20K)
    assert (found.class_id, found.class_name) == (NO_CLASS, None)
    assert found.source == "unknown class 'roaad' (object property)"


def test_an_object_can_be_told_to_have_no_class():
    found = classify(NameEvidence("Tree", explicit=(("object property", "none"),)), ADE20K)
    assert (found.class_name, found.source) == (None, "object property")


def test_the_word_table_is_sound():
    rows = rows_of(Path(words.__file__).with_name("words.csv"))
    assert {row["class"] for row in rows} - {"", "-"} <= {one.name for one in ADE20K.classes}
    assert {row["kind"] for row in rows} == {"thing", "place", "part", "ignore", "noise", "link"}
    keys = Counter(w.replace(" ", "") for row in rows if row["kind"] != "ignore" for w in row["words"].split(";"))
    assert [key for key, count in keys.items() if count > 1] == []
    assert all("".join(split(key)) for key in keys)
