"""Which recipe and which colours each class of ADE20K gets. Several colours: one is chosen for each instance."""

from __future__ import annotations

from functools import lru_cache

from ..mapping import mapping
from ..vocabulary import is_builtin, load
from ..vocabulary_files import is_file_name
from . import made, nature, special

RECIPES = {**nature.RECIPES, **made.RECIPES, **special.RECIPES}
"""Recipe name → function of a ``Patch``. "sky" is painted apart, since it has no surface."""

Material = tuple[str, tuple[str, ...]]

CLAY: Material = ("clay", ("#a8a39b",))
"""For what has no class."""

_WOOD = ("#836750", "#94785c", "#69503e", "#a08b6e")
_PALE = ("#cfc7b8", "#c8c0ae", "#d2ccc0", "#c3c7c0")
_CAR = ("#9c2f2a", "#2f4f78", "#d8d8d4", "#2c2f33", "#7d8388", "#c2a24a", "#3f5f50")
_CLOTH = ("#6d7f86", "#8c6a58", "#7c7a5e", "#5d6680", "#a3896c")
_WALLS = ("#cbbfa6", "#b9a98c", "#b7b6b0", "#a28878", "#93a0a3", "#d2cdc2", "#a9a08c", "#8d8f86")
_LEAF = ("#5d7a33",)
_STEEL = ("#b4b8bb", "#a8abad")
_WHITE = ("#e6e5e1",)
_DARK = ("#33363a", "#3d3b3a")

MATERIALS: dict[str, Material] = {
    # nature
    "sky": ("sky", ("#8fb0d0",)),
    "tree": ("tree", _LEAF),
    "palm": ("tree", ("#6c8a3a",)),
    "plant": ("leaves", ("#527a35",)),
    "grass": ("grass", _LEAF),
    "field": ("grass", ("#9a9a4c", "#84903f")),
    "hill": ("grass", ("#7a8447",)),
    "earth": ("soil", ("#8a7050",)),
    "land": ("soil", ("#8d7a56",)),
    "dirt track": ("soil", ("#9a7d58",)),
    "path": ("soil", ("#a99270",)),
    "sand": ("sand", ("#d3bd90",)),
    "rock": ("rock", ("#8b857b", "#7b766f")),
    "mountain": ("mountain", ("#857f78", "#79746f")),
    "water": ("water", ("#1f4a55",)),
    "sea": ("water", ("#174a5e",)),
    "river": ("water", ("#2a5250",)),
    "lake": ("water", ("#1d4c5a",)),
    "swimming pool": ("water", ("#3fa7b4",)),
    "waterfall": ("waterfall", ("#9fb8c2",)),
    "fountain": ("concrete", ("#b7b2a6",)),
    "flower": ("flowers", ("#c4484e", "#d8a53c", "#b567a0", "#dcd6e0")),
    "animal": ("fur", ("#8a6a4a", "#5e4a3a", "#b59a78")),
    "food": ("food", ("#b98245", "#a45a35", "#7d9a45")),
    "person": ("person", ("#8a3f3a", "#3f5f7a", "#6b7a4c", "#c2b69c", "#4a4550")),
    # buildings and what belongs to them
    "building": ("facade", _WALLS),
    "house": ("facade", ("#d6cfbf", "#c8b998", "#aebbbd", "#b79a86", "#a5b09c", "#dcd8ce", "#c9a96e")),
    "skyscraper": ("tower", ("#8fa6b5", "#a7a9a6", "#7f97a0")),
    "tower": ("brick", ("#b08d6c", "#a9a194")),
    "hovel": ("planks", ("#8a7458",)),
    "wall": ("plaster", _PALE),
    "ceiling": ("plaster", ("#ebe7de",)),
    "column": ("concrete", ("#c9c2b4",)),
    "base": ("concrete", ("#b5afa3",)),
    "fireplace": ("brick", ("#8f5a45",)),
    "windowpane": ("window", ("#dfe4e6",)),
    "glass": ("glass", ("#cfdadd",)),
    "mirror": ("mirror", ("#c3cbcf",)),
    "door": ("door", ("#6b5242", "#566660", "#7d463c", "#485868")),
    "screen door": ("door", ("#8d9a9c",)),
    "stairs": ("concrete", ("#b3ab9d",)),
    "stairway": ("planks", _WOOD),
    "step": ("concrete", ("#b0a89b",)),
    "escalator": ("metal", _STEEL),
    "bannister": ("wood", _WOOD),
    "railing": ("enamel", ("#4b5055",)),
    "fence": ("planks", ("#96805f", "#d6d0c2")),
    "bridge": ("concrete", ("#a39c90",)),
    "pier": ("planks", ("#8f7b60",)),
    "grandstand": ("concrete", ("#a5a29b",)),
    "stage": ("planks", ("#6d5238",)),
    "awning": ("stripes", ("#a8473b", "#3f6b5c", "#36577c")),
    "canopy": ("stripes", ("#b0a88f", "#8f5043")),
    "tent": ("stripes", ("#c8b98d", "#7c8a5c")),
    "booth": ("planks", ("#a5744a",)),
    # ground
    "floor": ("planks", ("#a3835f", "#8c6c4e", "#b39a7a")),
    "road": ("asphalt", ("#5a5854",)),
    "runway": ("asphalt", ("#707174",)),
    "sidewalk": ("paving", ("#938e84",)),
    "rug": ("rug", ("#7d3b36", "#3f556b", "#6d6448")),
    # furniture
    "bed": ("bedding", ("#d9d3c6", "#8796a0", "#b9a58c")),
    "cabinet": ("drawers", (*_WOOD, "#dcd8ce")),
    "wardrobe": ("drawers", _WOOD),
    "chest of drawers": ("drawers", _WOOD),
    "table": ("wood", _WOOD),
    "desk": ("wood", _WOOD),
    "coffee table": ("wood", _WOOD),
    "chair": ("wood", ("#7f5a3a", "#96714c", "#5a4636")),
    "bench": ("wood", ("#8a6844",)),
    "stool": ("wood", _WOOD),
    "cradle": ("wood", ("#c7b089",)),
    "bookcase": ("shelf", _WOOD),
    "shelf": ("shelf", _WOOD),
    "buffet": ("drawers", _WOOD),
    "counter": ("drawers", ("#c8bfb0", "#7f6850")),
    "countertop": ("ceramic", ("#bdb7ad", "#5b5a58")),
    "kitchen island": ("drawers", ("#d4cfc4",)),
    "bar": ("drawers", ("#6a4630",)),
    "pool table": ("fabric", ("#2f6b4a",)),
    "armchair": ("fabric", ("#a0714f", "#5f7367", "#7d5a5e")),
    "sofa": ("fabric", ("#6f7f88", "#a58b6c", "#7a5f55", "#5d6f66")),
    "seat": ("fabric", _CLOTH),
    "swivel chair": ("leather", _DARK),
    "ottoman": ("leather", ("#8a5c3e",)),
    "cushion": ("fabric", ("#b5653f", "#c9a553", "#5f7c86", "#d6cbb6")),
    "pillow": ("fabric", ("#ddd7ca", "#b0bac0")),
    "curtain": ("curtain", ("#b9a68a", "#8f9ba0", "#a87f6a")),
    "blind": ("bars", ("#d9d4c8",)),
    "blanket": ("fabric", ("#a7715a", "#7f8c94")),
    "towel": ("fabric", ("#d5d8d6", "#8fb0b5")),
    "apparel": ("fabric", _CLOTH),
    "flag": ("fabric", ("#b23b35", "#2f5390", "#d6b440")),
    "bag": ("leather", ("#6f4a30", "#3b3b42")),
    "basket": ("planks", ("#ad8a58",)),
    "box": ("planks", ("#b08a5c", "#a07c50")),
    "barrel": ("planks", ("#7a5636",)),
    "case": ("glass", ("#b9c4c6",)),
    # kitchen, bath, machines
    "bathtub": ("ceramic", _WHITE),
    "sink": ("ceramic", _WHITE),
    "toilet": ("ceramic", _WHITE),
    "shower": ("tiles", ("#c7d4d4",)),
    "refrigerator": ("enamel", ("#d6d8d8", "#b9bdc0")),
    "stove": ("enamel", ("#55585b",)),
    "oven": ("enamel", ("#4a4c4f",)),
    "microwave": ("enamel", ("#44474a",)),
    "washer": ("enamel", ("#dcdcda",)),
    "dishwasher": ("enamel", ("#c9cccc",)),
    "hood": ("metal", _STEEL),
    "radiator": ("enamel", ("#e0ddd5",)),
    "fan": ("enamel", ("#d8d5cd",)),
    "tray": ("metal", _STEEL),
    "plate": ("ceramic", ("#e2ded4", "#8fa5b0")),
    "bottle": ("glass", ("#5f8a62", "#8a6a3c")),
    "vase": ("ceramic", ("#5f8290", "#b0674a", "#d2c4a8")),
    "pot": ("ceramic", ("#b1683f", "#8a5a40")),
    "clock": ("plastic", ("#d9d2c4",)),
    "computer": ("plastic", _DARK),
    "television receiver": ("screen", _DARK),
    "screen": ("screen", _DARK),
    "crt screen": ("screen", _DARK),
    "monitor": ("screen", _DARK),
    "arcade machine": ("screen", _DARK),
    "conveyer belt": ("plastic", _DARK),
    "tank": ("enamel", ("#9aa3a3", "#b3a98f")),
    # pictures and signs
    "painting": ("picture", ("#54707a", "#7d6a4a", "#8a5448", "#4f6a52")),
    "poster": ("picture", ("#a0564a", "#46708a")),
    "bulletin board": ("picture", ("#a88458",)),
    "signboard": ("enamel", ("#35597d", "#8f3b34", "#3f6650")),
    "trade name": ("enamel", ("#b04a3a",)),
    "book": ("fabric", ("#7a4038", "#3d5870", "#6a6b48", "#b59c68")),
    # light
    "lamp": ("lamp", ("#efdcb6",)),
    "light": ("lamp", ("#f2e6cc",)),
    "chandelier": ("lamp", ("#ecd9b0",)),
    "streetlight": ("lamp", ("#e6dcc4",)),
    "sconce": ("lamp", ("#efdcb6",)),
    "traffic light": ("signals", _DARK),
    # vehicles
    "car": ("lacquer", _CAR),
    "van": ("lacquer", ("#d6d6d2", "#5f7486", "#9c9a94")),
    "bus": ("lacquer", ("#c29a36", "#a5443a", "#3f6686")),
    "truck": ("lacquer", ("#a9a9a6", "#7f3c34", "#3f5a74")),
    "airplane": ("enamel", ("#dcdfe2",)),
    "boat": ("planks", ("#a8784c", "#d2d0c8", "#4f7080")),
    "ship": ("enamel", ("#3d4f60", "#7a3b34")),
    "minibike": ("enamel", ("#8c2f2a", "#2f3338")),
    "bicycle": ("enamel", ("#3a5a6a", "#8c3a30")),
    # odds and ends
    "pole": ("enamel", ("#6c7073",)),
    "ashcan": ("enamel", ("#4f5c52", "#6a6f72")),
    "sculpture": ("rock", ("#b3aca0",)),
    "plaything": ("plastic", ("#c8503c", "#3f7fa5", "#d8b23c", "#5f9a58")),
    "ball": ("plastic", ("#c4553c", "#e0ddd4", "#3f70a0")),
}

EXTRA_NOUNS = {
    "roof": ("roof",),
    "rooftop": ("roof",),
    "window": ("window", "windowpane"),
    "street": ("road",),
    "ground": ("earth", "land"),
    "bush": ("plant",),
    "hedge": ("plant",),
    "crate": ("box",),
    "ocean": ("sea",),
    "couch": ("sofa",),
    "facade": ("building", "house"),
    "building": ("building", "house", "skyscraper"),
    "tower": ("tower", "skyscraper"),
    "wall": ("wall",),
    "tree": ("tree", "palm"),
    "pool": ("swimming pool",),
    "pavement": ("sidewalk",),
    "lamp": ("lamp", "sconce", "light"),
    "picture": ("painting",),
    "cobblestone": ("sidewalk",),
    "lawn": ("grass",),
    "leaves": ("tree", "plant"),
    "foliage": ("tree", "plant"),
}


RECIPE_COLOURS: dict[str, tuple[str, ...]] = {
    "brick": ("#94503c",),
    "wood": ("#8a6240",),
    "planks": ("#a57c52",),
    "rock": ("#8b857b",),
    "ceramic": ("#dedad2",),
    "tiles": ("#cfd6d4",),
    "concrete": ("#a7a39b",),
    "plaster": ("#d8cdb8",),
    "metal": ("#b4b8bb",),
    "glass": ("#a9bfca",),
    "fabric": ("#8c7a68",),
    "leather": ("#6f4a30",),
    "plastic": ("#c9c4ba",),
    "grass": ("#6b8038",),
    "sand": ("#d3bd90",),
    "paving": ("#9d988e",),
    "soil": ("#8a7050",),
    "asphalt": ("#5f6064",),
    "leaves": ("#5d7a33",),
    "lamp": ("#ff9c4a",),
}
"""For recipes that a prompt asks for by their material."""


def class_names(vocabulary: str) -> tuple[str, ...]:
    """The names of the classes by index, of the user's own those of ADE20K that they stand for; () where unknown."""
    if is_builtin(vocabulary):
        return tuple(one.name for one in load(vocabulary).classes)
    if is_file_name(vocabulary):
        return tuple(known or name for name, known in mapping(vocabulary, "ade20k").to_dict().items())
    return ()


@lru_cache(maxsize=1)
def nouns() -> dict[str, tuple[str, ...]]:
    """Words of a prompt → class names that they mean."""
    words: dict[str, tuple[str, ...]] = {}
    for one in load("ade20k").classes:
        for word in (one.name, *one.synonyms):
            words.setdefault(word, (one.name,))
    return {**words, **EXTRA_NOUNS}


def material_of(name: str | None) -> Material:
    """For any class name of any vocabulary: looks at the words of names that the table does not hold."""
    if not name:
        return CLAY
    if name in MATERIALS:
        return MATERIALS[name]
    for word in reversed(name.replace("-", " ").replace("_", " ").split()):
        for form in (word, word.removesuffix("s")):
            meant = nouns().get(form, ())
            if meant and meant[0] in MATERIALS:
                return MATERIALS[meant[0]]
    return CLAY


def in_recipe(recipe: str, wanted: str, palette: tuple[str, ...]) -> Material:
    """A thing made with ``recipe``, now of another material; a house of glass still is a house."""
    if wanted == recipe or (wanted, recipe) == ("wood", "planks"):
        return recipe, palette
    if wanted == "glass" and recipe in ("facade", "tower", "curtain_wall"):
        return "curtain_wall", RECIPE_COLOURS["glass"]
    return wanted, RECIPE_COLOURS.get(wanted, palette)
