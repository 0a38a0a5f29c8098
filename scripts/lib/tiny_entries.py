"""What a models.toml says of the tiny models. See ``scripts.lib.tiny_models``."""

ENTRIES = {
    "tiny-sd15": """\
[tiny-sd15]
title = "Tiny Stable Diffusion 1.5 (random weights)"
family = "sd15"
native = 64
steps = 4
base = { path = "tiny-sd15" }
controls = { segmentation = { path = "tiny-sd15/controlnet-seg" }, depth = { path = "tiny-sd15/controlnet-depth" } }
adapter = { path = "tiny-sd15/ip-adapter", files = ["ip-adapter.safetensors"] }

[tiny-sd15-lcm]
title = "Tiny Stable Diffusion 1.5 in few steps (random weights)"
family = "sd15"
native = 64
steps = 3
guidance = 1.0
guided = false
scheduler = { class = "LCMScheduler" }
lora = { path = "tiny-sd15/few-step.safetensors" }
base = { path = "tiny-sd15" }
controls = { segmentation = { path = "tiny-sd15/controlnet-seg" }, depth = { path = "tiny-sd15/controlnet-depth" } }
""",
    "tiny-sdxl": """\
[tiny-sdxl]
title = "Tiny Stable Diffusion XL (random weights)"
family = "sdxl"
native = 64
steps = 4
palette = "instances"
base = { path = "tiny-sdxl" }
controls = { union = { path = "tiny-sdxl/controlnet-union" } }
adapter = { path = "tiny-sdxl/ip-adapter", files = ["ip-adapter.safetensors"] }

[tiny-sdxl-lightning]
title = "Tiny Stable Diffusion XL in few steps (random weights)"
family = "sdxl"
native = 64
steps = 4
guidance = 0.0
guided = false
palette = "instances"
scheduler = { class = "EulerDiscreteScheduler", timestep_spacing = "trailing" }
lora = { path = "tiny-sdxl/few-step.safetensors" }
base = { path = "tiny-sdxl" }
controls = { union = { path = "tiny-sdxl/controlnet-union" } }
""",
    "tiny-zimage": """\
[tiny-zimage]
title = "Tiny Z-Image (random weights)"
family = "zimage"
native = 64
steps = 4
guidance = 0.0
guided = false
base = { path = "tiny-zimage" }
controls = { union = { path = "tiny-zimage/controlnet-union" } }
""",
    "tiny-flux2": """\
[tiny-flux2]
title = "Tiny FLUX.2 klein (random weights)"
family = "flux2"
native = 64
steps = 4
guidance = 1.0
guided = false
base = { path = "tiny-flux2" }
controls = {}
""",
    "tiny-sd15-inpaint": """\
[tiny-sd15-inpaint]
title = "Tiny Stable Diffusion 1.5 inpainting (random weights)"
family = "sd15"
native = 64
steps = 4
base = { path = "tiny-sd15-inpaint" }
controls = { segmentation = { path = "tiny-sd15/controlnet-seg" } }
""",
    "tiny-sdxl-inpaint": """\
[tiny-sdxl-inpaint]
title = "Tiny Stable Diffusion XL inpainting (random weights)"
family = "sdxl"
native = 64
steps = 4
base = { path = "tiny-sdxl-inpaint" }
controls = {}
""",
}
