"""What a request may hold beyond its types: ranges, and shapes that belong together. Both sides use these checks."""

from __future__ import annotations

from .errors import InvalidInput
from .messages import BufferRef, CameraModel, GenerateRequest, ModelOptions, SceneInput

MAX_COUNT = 16
MAX_SEED = 2**32 - 1
MAX_LORAS = 8
MAX_SOFTNESS = 512
"""pixels"""
MAX_TEXT = 10_000
"""characters of a prompt or of an instance's text"""


def check_generate(request: GenerateRequest) -> None:
    """Raise InvalidInput, naming the field, unless the request can be run."""
    _demand(0 <= request.seed <= MAX_SEED, f"seed {request.seed}", f"Use 0 to {MAX_SEED}")
    _demand(1 <= request.count <= MAX_COUNT, f"count {request.count}", f"Use 1 to {MAX_COUNT}")
    _demand(0 <= request.strength <= 1, f"strength {request.strength}", "Use 0 to 1")
    _demand(0 <= request.softness <= MAX_SOFTNESS, f"softness {request.softness}", f"Use 0 to {MAX_SOFTNESS} pixels")
    _check_options(request.options)
    longest = max(len(request.prompt), len(request.negative_prompt))
    _demand(longest <= MAX_TEXT, f"a prompt of {longest} characters", f"Use at most {MAX_TEXT}")
    if request.scene is None and request.image is None:
        raise InvalidInput("The request holds neither a scene nor an image", "Give one of them")
    if request.mask is not None and request.image is None:
        raise InvalidInput("The request holds a mask without an image", "Give the image that the mask belongs to")
    size = request.scene.instance_map.shape[:2] if request.scene else ()
    if request.image is not None:
        size = size or request.image.shape[:2]
        kind = "float32" if request.image.dtype == "float32" else "uint8"
        _check_buffer("image", request.image, kind, (*size, 3))
        _demand(kind == "uint8" or request.mask is not None, "a float image without a mask", "Send uint8")
    if request.mask is not None:
        _check_buffer("mask", request.mask, "bool", size)
    if request.scene is not None:
        _check_scene(request.scene, size)


def _check_options(options: ModelOptions) -> None:
    _demand(options.steps is None or 1 <= options.steps <= 150, f"{options.steps} steps", "Use 1 to 150")
    _demand(options.guidance is None or 0 <= options.guidance <= 30, f"guidance {options.guidance}", "Use 0 to 30")
    _demand(0 <= options.region_strength <= 1, f"region_strength {options.region_strength}", "Use 0 to 1")
    controls = options.controls or ()
    _demand(len({one.kind for one in controls}) == len(controls), "a control twice", "Give each kind once")
    for one in controls:
        _demand(0 <= one.weight <= 2, f"{one.kind} of weight {one.weight}", "Use 0 to 2")
        _demand(0 <= one.start <= one.end <= 1, f"{one.kind} from {one.start} to {one.end}", "Use 0 to 1, in order")
    _demand(len(options.loras) <= MAX_LORAS, f"{len(options.loras)} LoRAs", f"Use at most {MAX_LORAS}")
    for one in options.loras:
        _demand(-2 <= one.weight <= 2, f"LoRA {one.name:.80} of weight {one.weight}", "Use -2 to 2")


def _check_scene(scene: SceneInput, size: tuple[int, ...]) -> None:
    _check_buffer("scene.instance_map", scene.instance_map, "uint32", size)
    _check_buffer("scene.class_map", scene.class_map, "uint16", size)
    _check_buffer("scene.depth", scene.depth, "float32", size)
    _check_buffer("scene.normal", scene.normal, "float32", (*size, 3))
    _check_camera(scene.camera, size)
    _demand(scene.unit_scale > 0, f"scene.unit_scale {scene.unit_scale}", "Use a positive number of metres")
    for index, region in enumerate(scene.regions):
        _demand(region.id == index + 1, f"scene.regions[{index}].id {region.id}", "Number the regions 1 to N in order")
        _demand(0 <= region.class_id <= 65535, f"scene.regions[{index}].class_id {region.class_id}", "Use 0 to 65535")
        _demand(len(region.text) <= MAX_TEXT, f"scene.regions[{index}].text", f"Use at most {MAX_TEXT} characters")


def _check_camera(camera: CameraModel, size: tuple[int, ...]) -> None:
    seen = (camera.height, camera.width)
    _demand(seen == size, f"scene.camera of {seen} for maps of {size}", "Give the camera of the maps")
    matrices = (len(camera.matrix_world), len(camera.projection_matrix))
    _demand(matrices == (16, 16), f"scene.camera matrices of {matrices} numbers", "Give 16 numbers, row-major")
    _demand(len(camera.pano_range) in (0, 4), "scene.camera.pano_range", "Give 4 numbers or none")


def _check_buffer(name: str, ref: BufferRef, dtype: str, shape: tuple[int, ...]) -> None:
    fits = ref.dtype == dtype and ref.shape == shape
    _demand(fits, f"{name} of {ref.dtype} {ref.shape}", f"Send {dtype} {shape}")


def _demand(fits: bool, what: str, hint: str) -> None:
    if not fits:
        raise InvalidInput(f"The request cannot be run with {what}", hint)
