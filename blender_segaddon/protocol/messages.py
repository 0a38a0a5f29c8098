"""Every request and reply of the wire, once. Arrays appear as ``BufferRef`` only; the bytes follow the JSON header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DtypeName = Literal["uint8", "uint16", "uint32", "float32", "bool"]

JobState = Literal["queued", "loading", "running", "finalizing", "succeeded", "failed", "cancelled", "expired"]

Priority = Literal["interactive", "batch"]
"""Interactive jobs go first."""

Intent = Literal["replace", "change", "remove", "extend"]
"""What a job does under its mask; "extend" paints what the maps say is there."""

FINAL_STATES = ("succeeded", "failed", "cancelled", "expired")
"""A job in one of these never changes again."""


@dataclass(frozen=True)
class BufferRef:
    """Where an array lies in the body behind the header."""

    dtype: DtypeName
    shape: tuple[int, ...]
    offset: int
    """bytes from the end of the header"""
    length: int
    """bytes as they travel (after compression)"""
    encoding: Literal["raw", "zlib"] = "raw"


@dataclass(frozen=True)
class CameraModel:
    """``core.camera.Camera`` as plain numbers; matrices row-major."""

    type: Literal["PERSP", "ORTHO", "PANO"]
    width: int
    height: int
    clip_start: float
    clip_end: float
    matrix_world: tuple[float, ...]
    projection_matrix: tuple[float, ...]
    name: str = ""
    pano_range: tuple[float, ...] = ()


@dataclass(frozen=True)
class Region:
    """What the generator is told of one instance."""

    id: int
    """its value in ``instance_map``"""
    class_id: int
    """index in the vocabulary, 65535 for none"""
    text: str = ""


@dataclass(frozen=True)
class SceneInput:
    """The maps of the scene. All buffers H×W, row 0 at the top; meanings as in ``core.maps.SceneMaps``."""

    instance_map: BufferRef
    """uint32 H×W"""
    class_map: BufferRef
    """uint16 H×W"""
    depth: BufferRef
    """float32 H×W"""
    normal: BufferRef
    """float32 H×W×3"""
    regions: tuple[Region, ...]
    camera: CameraModel
    vocabulary: str = "ade20k"
    background: str = "sky"
    unit_scale: float = 1.0


ControlKind = Literal["segmentation", "depth", "normal", "lineart"]


@dataclass(frozen=True)
class Control:
    """How strongly one of the scene's maps guides a model, and in which part of the steps."""

    kind: ControlKind
    weight: float = 1.0
    """0 .. 2; 0 is as if it were not there"""
    start: float = 0.0
    """0 .. 1, share of the steps"""
    end: float = 1.0
    """0 .. 1"""


@dataclass(frozen=True)
class LoraUse:
    """A small file that changes a model's look."""

    name: str
    """of the file in a models folder's loras, without its suffix"""
    weight: float = 1.0
    """-2 .. 2"""


@dataclass(frozen=True)
class ModelOptions:
    """What a model can be told besides the words."""

    steps: int | None = None
    """1 .. 150 sampling steps of a model; None: what the model is best at"""
    guidance: float | None = None
    """0 .. 30, classifier-free guidance; None: the model's own"""
    controls: tuple[Control, ...] | None = None
    """one a kind; None: the model's own choice"""
    region_strength: float = 0.7
    """0 .. 1: how much of a region's pixels its own text has, the prompt has the rest"""
    loras: tuple[LoraUse, ...] = ()
    draft: bool = False
    """True: only the first pass, at the model's native pixel count, enlarged"""


@dataclass(frozen=True)
class Reference:
    """A picture that shows what something should look like."""

    image: BufferRef
    """uint8 H×W×3, any size"""
    weight: float = 1.0
    """0 .. 2"""
    instances: tuple[int, ...] = ()
    """values in ``instance_map`` that it is for; none: the whole picture"""


@dataclass(frozen=True)
class GenerateRequest:
    """One picture job: generation, img2img (``image``) or inpainting (``image`` and ``mask``)."""

    generator: str
    """"preview" or the id of a model"""
    prompt: str = ""
    negative_prompt: str = ""
    seed: int = 0
    """0 .. 2**32-1; candidate k is made with seed + k (mod 2**32)"""
    count: int = 1
    """1 .. 16"""
    scene: SceneInput | None = None
    """None: only with ``image`` (a picture that this project knows nothing of)"""
    image: BufferRef | None = None
    """uint8 H×W×3, or float32 in 0..1, display-referred sRGB"""
    mask: BufferRef | None = None
    """bool H×W; True = to be painted anew"""
    strength: float = 1.0
    """0 .. 1: how far the result may leave ``image``"""
    intent: Intent = "replace"
    softness: float = 0.0
    """pixels beyond the mask over which the result runs out into the image; 0: only the mask changes"""
    scene_after: bool = False
    """True: the scene shows what is to be seen afterwards (without the thing that goes), not what ``image`` shows"""
    options: ModelOptions = ModelOptions()
    """of a model; the generators without weights pass over them"""
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class JobAccepted:
    """Reply to a submitted request."""

    id: str
    state: JobState


@dataclass(frozen=True)
class Event:
    """One entry of a job's event stream; ``number`` rises by one from 1."""

    number: int
    state: JobState
    step: int = 0
    steps: int = 0
    """0 when not known"""
    message: str = ""
    code: str = ""
    """of a failure"""
    hint: str = ""


@dataclass(frozen=True)
class JobStatus:
    """Reply to a question about one job."""

    id: str
    event: Event
    """the latest"""


@dataclass(frozen=True)
class JobPreview:
    """Header of the body of /v1/jobs/{id}/preview: how the picture looks in the middle."""

    step: int
    steps: int
    image: BufferRef
    """uint8 H×W×3, smaller than the picture"""


@dataclass(frozen=True)
class GenerateResult:
    """Header of a finished job's body."""

    images: tuple[BufferRef, ...]
    """uint8 H×W×3 each, display-referred sRGB, in the order of the seeds; float32 where the request's image was"""
    seeds: tuple[int, ...]
    generator: str
    """as asked"""
    is_model: bool
    """False for the preview generator, which is no model"""
    metadata: dict[str, str]
    """what made the picture: versions, words understood, …"""


@dataclass(frozen=True)
class JobList:
    """Reply of GET /v1/jobs: every job that the server still knows."""

    jobs: tuple[JobStatus, ...]
    """oldest first"""


@dataclass(frozen=True)
class JobHeader:
    """JSON header of a framed job."""

    protocol: tuple[int, int]
    """(major, minor) of the sender"""
    type: Literal["GenerateRequest"]
    message: GenerateRequest


@dataclass(frozen=True)
class JobFromBlobs(JobHeader):
    """A framed body whose buffers the server has already, for POST /v1/jobs as application/json.

    The buffers of ``message`` lie in the blobs, put one behind the other in this order, each filled up with zeros to a
    multiple of 16 bytes. What is uploaded once (the maps of a scene) serves many jobs.
    """

    blobs: tuple[str, ...]
    """SHA-256 of each, 64 lower-case hexadecimal digits"""


@dataclass(frozen=True)
class BlobStatus:
    """Reply to an uploaded blob."""

    sha256: str
    size: int
    """bytes"""


@dataclass(frozen=True)
class Limits:
    """What a request may hold at most; beyond it the answer is 413, 400 or 429."""

    body_bytes: int
    header_bytes: int
    """JSON header of a body"""
    pixels: int
    """of one map or picture, height × width"""
    unpacked_bytes: int
    """all arrays of a request together"""
    pictures: int
    """``count``"""
    text: int
    """characters of a prompt"""
    queued_jobs: int
    queued_bytes: int


@dataclass(frozen=True)
class ModelInfo:
    """What a model is, for whoever chooses one."""

    id: str
    title: str
    steps: int
    """as many as it is best at"""
    guidance: float
    guided: bool
    """False: drawn without guidance, so that negative prompt and guidance have no effect"""
    native: int
    """side in pixels of the square that it was trained on"""
    controls: tuple[str, ...]
    """kinds of maps that can guide it"""
    references: bool
    """whether it takes reference pictures"""
    panoramas: bool
    """whether its panoramas close"""
    licence: str
    licence_kind: str = ""
    """commercial, conditional, non-commercial, gated, or own: the user knows"""
    state: Literal["here", "missing", "refused"] = "here"
    """only a model that is here can draw"""
    hint: str = ""
    """what to do where it cannot"""
    to_get: float = 0.0
    """GB that are not on the server's machine"""
    memory: float = 0.0
    """GB of the GPU that it takes at its native size, 0 where nobody measured it"""


@dataclass(frozen=True)
class ServerInfo:
    """Reply of /v1/info."""

    version: str
    protocol_version: tuple[int, int]
    generators: tuple[str, ...]
    pid: int
    worker_pid: int = 0
    """0 while no worker process runs"""
    heavy_modules: tuple[str, ...] = ()
    """Modules for the worker alone that the server process has loaded all the same: always empty, or a fault."""
    vocabularies: tuple[str, ...] = ()
    """class lists that a scene may name"""
    limits: Limits | None = None
    """what a request may hold at most"""
    models: tuple[ModelInfo, ...] = ()
    """every model that is known, here or not; those that are here are among the generators"""
    segmenters: tuple[str, ...] = ()
    """what makes masks, the best first"""
    loras: tuple[str, ...] = ()
    """names of the LoRAs that lie on the server's machine"""


@dataclass(frozen=True)
class Health:
    """Reply of /v1/health/live and /v1/health/ready."""

    status: Literal["ok"]
    queued: int
    """jobs that wait"""
    running: int
    """jobs that run: 0 or 1"""


@dataclass(frozen=True)
class ServerState:
    """One entry of the stream of /v1/presence: how the server does."""

    version: str
    queued: int
    """jobs that wait"""
    running: int
    """jobs that run"""
    clients: int
    """programs that are present"""
    lent: bool = False
    """True while the device's memory is lent to somebody else, and no job is begun"""
    device: str = ""
    """the first device: "cpu", "cuda:0", …"""
    free_bytes: int = 0
    """of its memory, as the worker read it last; 0 when not known"""
    total_bytes: int = 0


@dataclass(frozen=True)
class Problem:
    """Every error reply (application/problem+json, RFC 9457)."""

    type: str
    """urn:segaddon:problem: and the code"""
    title: str
    status: int
    code: str
    """stable machine-readable name"""
    detail: str
    """what is wrong, for people"""
    hints: tuple[str, ...]
    """what to do about it, one sentence each; none where nothing helps"""
    retryable: bool
    """True when the same request may succeed later"""


@dataclass(frozen=True)
class Discovery:
    """The file by which a running server is found; see ``protocol.discovery``."""

    address: str
    """unix:/path/of/the/socket, http://127.0.0.1:port or https://host:port"""
    pid: int
    protocol_version: tuple[int, int]
    version: str
