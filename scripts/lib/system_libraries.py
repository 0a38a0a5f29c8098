"""What programs here need of the system, and the packages that bring it. Standard library only."""

from __future__ import annotations

import ctypes

SYSTEM_LIBRARIES = {
    # what the bpy wheels link and do not carry: (Debian package, Fedora package, Blender versions; "" = all)
    "libX11.so.6": ("libx11-6", "libX11", ""),
    "libXext.so.6": ("libxext6", "libXext", ""),
    "libXrender.so.1": ("libxrender1", "libXrender", ""),
    "libXfixes.so.3": ("libxfixes3", "libXfixes", ""),
    "libXi.so.6": ("libxi6", "libXi", ""),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon", ""),
    "libSM.so.6": ("libsm6", "libSM", ""),
    "libICE.so.6": ("libice6", "libICE", ""),
    "libGL.so.1": ("libgl1", "libglvnd-glx", ""),
    "libstdc++.so.6": ("libstdc++6", "libstdc++", ""),
    "libgcc_s.so.1": ("libgcc-s1", "libgcc", ""),
    "libXxf86vm.so.1": ("libxxf86vm1", "libXxf86vm", "4.2"),
    "libgomp.so.1": ("libgomp1", "libgomp", "4.2"),
    "libz.so.1": ("zlib1g", "zlib", "4.2"),
}


DRAWING_LIBRARIES = {
    # with which Blender draws without a window or a GPU; where they are missing, tests that draw are skipped
    "libEGL.so.1": "libegl1",
    "libEGL_mesa.so.0": "libegl-mesa0 libgl1-mesa-dri",
}


def missing_libraries(libraries: dict[str, tuple[str, str, str]], blender: str) -> str:
    """One line naming the system libraries that this Blender needs and the machine lacks, and their packages; or ""."""
    missing = [name for name, (_, _, only) in libraries.items() if only in ("", blender) and not can_load(name)]
    if not missing:
        return ""
    debian, fedora = (" ".join(libraries[name][column] for name in missing) for column in (0, 1))
    return (
        f"Blender {blender} needs system libraries that are missing here: {', '.join(missing)}. "
        f"Install them: 'apt-get install {debian}' (Debian, Ubuntu) or 'dnf install {fedora}' (Fedora)."
    )


def can_load(library: str) -> bool:
    """Whether the system has it."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
