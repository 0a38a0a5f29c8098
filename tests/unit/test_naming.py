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
        ("mesa_de_centro", "coffee table"),
        # a part belongs to what it is a part of, a material or a kind of wood to what is made of it
        ("Door_Handle", "door"),
        ("car wheel FL", "car"),
        ("OakTable", "table"),
        ("Oak_01", "tree"),
        # general before special, where they are set apart
        ("Railing:900mm Pipe:199033", "railing"),
        ("Table - Dining w/ Chairs", "table"),
        ("Chair (broken, 2 of 4)", "chair"),
        # several words mean another thing than each of them
        ("Lamp Post", "streetlight"),
        ("Car Park", "road"),
        ("Water Bottle", "bottle"),
        ("House Plant", "plant"),
        ("Tree House", "house"),
        ("curtain wall", "wall"),
        # fruit, flowers and the like only say which sort
        ("tree_papaya", "tree"),
        ("crate_apples", "box"),
        ("Apple_02", "food"),
        # houses that things are called after
        ("hospital_floor_01_walls", "wall"),
        ("Hospital_02", "building"),
        ("hospital_zorbstation", None),
        # other languages
        ("Küchenschrank", "cabinet"),
        ("Hauswand", "wall"),
        ("Wohnzimmertische", "table"),
        ("Silla mesa", "chair"),
        ("Mur maison", "wall"),
        ("keukenkastje_stoel", "chair"),
        ("drzwi", "door"),
        ("Дерево.001", "tree"),
        ("木製の椅子_2", "chair"),
        ("路灯", "streetlight"),
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
        "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
        "3vB2YO$MX4xv5uCqZZG0Xr",
        "Würfel.002",
        "NurbsPath",
        "pCube24",
        "Sphère",
        "Куб",
        "立方体",
        "StaticMeshActor_12",
    ],
)
def test_primitives_and_ids_say_nothing(name):
    assert classify(NameEvidence(object=name, data=name, materials=(name,)), ADE20K) == NO_MATCH


@pytest.mark.parametrize(
    "name",
    [
        "unfinished",
        "scarpet",
        "planet",
        "Dumbbell",
        "machine_02",
        "Bird Cage",
        "Church Bell",
        "iceberg",
        "Frankenstein",
    ],
)
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
    found = classify(evidence, ADE20K)
    assert (found.class_id, found.class_name, found.score) == (NO_CLASS, None, 0.0)


def test_a_known_misfit_is_told_from_a_name_that_says_nothing():
    assert classify(NameEvidence("Dumbbell"), ADE20K).source == "object name"
    assert classify(NameEvidence("Zorb"), ADE20K) == NO_MATCH


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
    assert {row["kind"] for row in rows} == {"thing", "sort", "place", "venue", "part", "ignore", "noise", "link"}
    table = rows + rows_of(Path(words.__file__).with_name("words_world.csv"))
    assert all("".join(split(key)) for row in table for key in row["words"].split(";"))
    keys = Counter(
        "".join(split(w)) for row in table if row["kind"] not in ("ignore", "head") for w in row["words"].split(";")
    )
    assert [key for key, count in keys.items() if count > 1] == []
    world = rows_of(Path(words.__file__).with_name("words_world.csv"))
    assert {row["kind"] for row in world} == {"thing", "place", "part", "link", "head"}
    assert {row["class"] for row in world} - {"", "-"} <= {one.name for one in ADE20K.classes}


def test_lists_of_hand_labels_are_understood():
    """Also what was written down before the rules, and after them."""
    folder = Path(__file__).parent / "data"
    for name in ("names_scenes", "names_ways", "names_blind", "names_found", "names_found2"):
        rows = rows_of(folder / f"{name}.csv")
        found = [(classify(_evidence(row), ADE20K).class_name or "-", row["class"].split("|")) for row in rows]
        right = sum(answer in labels for answer, labels in found) / len(found)
        wrong = sum(answer not in labels and answer != "-" for answer, labels in found) / len(found)
        assert right >= 0.94 and wrong <= 0.03, f"{name}: {right:.3f} right, {wrong:.3f} wrong"


def _evidence(row: dict[str, str]) -> NameEvidence:
    several = {
        name: tuple(filter(None, row.get(name, "").split(";"))) for name in ("parents", "collections", "materials")
    }
    return NameEvidence(row["object"], data=row.get("data", ""), instancer=row.get("instancer", ""), **several)


@pytest.mark.parametrize(
    ("evidence", "expected", "source"),
    [
        (NameEvidence("Cube", labels=(("asset tag", "chair"),)), "chair", "asset tag"),
        (NameEvidence("Table", labels=(("asset tag", "furniture"), ("asset tag", "Chairs"))), "chair", "asset tag"),
        (NameEvidence("Table", labels=(("asset tag", "chair"), ("asset tag", "lamp"))), "table", "object name"),
        (NameEvidence("Chair", labels=(("asset tag", "wood"), ("extra 'class'", "bench"))), "bench", "extra 'class'"),
        (NameEvidence("IfcWall/Fence-like thing"), "wall", "IFC class"),
        (NameEvidence("Basic:284193", labels=(("IFC class", "IfcSlab.ROOF"),)), "building", "IFC class"),
        (NameEvidence("IfcFurniture/Chair-Breuer"), "chair", "object name"),
        (NameEvidence("IfcBeam/Table"), None, "IFC class"),
        (NameEvidence("Zorb", collections=("IfcBuilding/House",), parents=("IfcBuildingStorey/1",)), None, "none"),
        (NameEvidence("Chair", labels=(("asset tag", "bench"),), explicit=(("x", "tree"),)), "tree", "x"),
    ],
)
def test_labels_of_other_programs_come_before_names(evidence, expected, source):
    found = classify(evidence, ADE20K)
    assert (found.class_name, found.source) == (expected, source)


def test_a_class_of_ade20k_counts_in_another_vocabulary():
    found = classify(NameEvidence("Cube", explicit=(("object property", "streetlight"),)), COCO)
    assert (found.class_name, found.score) == ("light", 1.0)
