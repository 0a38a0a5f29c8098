"""The stages of the demo, in the order in which an artist would go through them."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from blender_segaddon import api, capture, texturing
from blender_segaddon.core import colourise, vocabulary
from blender_segaddon.core.atomic import write_json
from blender_segaddon.core.maps import BACKGROUND, SceneMaps
from blender_segaddon.core.png import write_png
from blender_segaddon.core.things import largest_thing
from blender_segaddon.protocol.version import ADDON_VERSION

from . import example_scenes, figures, reprojection, scene_files
from .running import RANDOM
from .sheet import Panel, write_sheet

if TYPE_CHECKING:
    from .demo import Options, Stages

REPORT_SCHEMA = 1
SAMPLES = 4
"""Where the scene's own materials and lights are seen; an unlit picture needs one."""


class Demo:
    """One run; ``folder`` takes the files."""

    def __init__(self, options: Options, stages: Stages, folder: Path) -> None:
        self.options = options
        self.stages = stages
        self.folder = folder
        self.pixels: dict[str, np.ndarray] = {}
        self.figures: dict[str, Any] = {}

    def run(self, began: float) -> None:
        """Everything; ``began`` is ``time.perf_counter()`` at the start of the program."""
        for name, stage in (
            ("open scene", self._open),
            ("capture maps", self._capture),
            ("generate picture", self._generate),
            ("project, render twice", self._project),
            ("backdrop, render", self._backdrop),
            ("retouch one object", self._retouch),
            ("measure", self._measure),
            ("sheet", self._sheet),
        ):
            with self.stages.stage(name), scene_files.messages_logged():
                stage()
            if stage == self._capture:
                self.stages.tell(f"    {self.maps.summary()}")
        self.stages.seconds["total"] = round(time.perf_counter() - began, 3)
        self._report()

    def _open(self) -> None:
        options = self.options
        if options.scene is None:
            scene_files.fresh_file()
            self.scene = example_scenes.build_room() if options.room else example_scenes.build_street()
        else:
            self.scene = scene_files.load_scene(options.scene)
        if options.camera is not None:
            self.camera = scene_files.camera_named(self.scene, options.camera)
        else:
            self.camera = scene_files.main_camera(self.scene) or capture.add_framing_camera(self.scene)
        self.size = options.size or _default_size(self.scene)
        self.light_added = not scene_files.is_lit(self.scene)
        if self.light_added:
            scene_files.add_even_light(self.scene)

    def _capture(self) -> None:
        self.maps = api.capture(self.scene, self.camera, self.size)
        api.export_maps(self.maps, self.folder)

    def _generate(self) -> None:
        options = self.options
        self.picture = api.generate(options.prompt, maps=self.maps, model=options.generator, seed=options.seed)[0]
        self._write("generated", self.picture.pixels)

    def _project(self) -> None:
        placement = api.project(self.picture, scene=self.scene)
        self._write("projected", self._render(self.camera))
        self.side_camera = capture.second_camera(self.scene, self.camera, self.maps)
        self._write("side", self._render(self.side_camera, SAMPLES))
        api.remove_placement(placement)

    def _backdrop(self) -> None:
        placement = api.backdrop(self.picture, scene=self.scene)
        self._write("backdrop", self._render(self.camera, SAMPLES))
        api.remove_placement(placement)

    def _retouch(self) -> None:
        thing = largest_thing(self.maps) or max(self.maps.instances, key=lambda one: one.pixels)
        mask = self.maps.instance_map == thing.id
        made = api.inpaint(
            self.picture, mask, self.options.retouch, model=self.options.generator, seed=self.options.seed
        )[0]
        self.retouched, self.mask = thing, mask
        self._write("mask", (mask * np.uint8(255)).astype(np.uint8))
        self._write("retouched", made.pixels)

    def _measure(self) -> None:
        picture, things = self.picture.pixels, self.maps.instance_map != BACKGROUND
        reachable = texturing.to_scene_linear(picture, self.scene).reachable
        self.eye = api.capture(self.scene, self.side_camera, self.size).camera
        side = reprojection.agreement(self.scene, self.maps.camera, picture, self.eye, self.pixels["side"])
        outside = ~self.mask
        self.figures = {
            "psnr_projected_db": self._psnr("projected", things & reachable),
            "psnr_projected_all_colours_db": self._psnr("projected", things),
            "psnr_backdrop_db": self._psnr("backdrop", ~things & reachable),
            "psnr_backdrop_all_colours_db": self._psnr("backdrop", ~things),
            "unreachable_colours_share": round(float(1 - reachable.mean()), 6),
            "side_agreement": asdict(side),
            "retouched_outside_changed_pixels": int((self.pixels["retouched"] != picture).any(axis=-1)[outside].sum()),
            "instances": len(self.maps.instances),
            "instances_without_class": len(self.maps.without_class()),
            "background_share": round(float((~things).mean()), 6),
        }

    def _psnr(self, name: str, where: np.ndarray) -> float | None:
        return figures.reported_psnr(self.pixels[name], self.picture.pixels, where)

    def _sheet(self) -> None:
        maps, facts, shown = self.maps, self.figures, self.pixels
        known = vocabulary.load(maps.vocabulary)
        classes = [known.classes[index] for index in _classes_present(maps)]
        side = facts["side_agreement"]
        panels = [
            Panel("Generated", shown["generated"], f"“{self.options.prompt}”", hero=True),
            Panel(
                "Semantic map",
                colourise.semantic_image(maps.class_map, known),
                f"{_counted(len(classes), 'class')} of {known.name}",
                legend=[(one.name, one.color) for one in classes],
            ),
            Panel(
                "Instance map", colourise.instance_image(maps.instance_map), _counted(len(maps.instances), "instance")
            ),
            Panel("Depth", colourise.depth_image(maps.depth), _depth_range(maps)),
            Panel("Normals", colourise.normal_image(maps.normal), "camera space"),
            Panel("Projected", shown["projected"], _spoken(facts["psnr_projected_db"])),
            Panel("From the side", shown["side"], f"{side['share']:.1%} of shared points agree"),
            Panel("Backdrop", shown["backdrop"], _spoken(facts["psnr_backdrop_db"])),
            Panel("Mask", self.mask, self.retouched.object),
            Panel("Retouched", shown["retouched"], f"“{self.options.retouch}”"),
        ]
        write_sheet(
            self.folder / "sheet.png",
            panels,
            title=self._title(),
            subtitle=f"{maps.width}×{maps.height} · {self._generator()}",
            footer=f"Blender {bpy.app.version_string} · {self.scene.view_settings.view_transform} view",
        )

    def _generator(self) -> str:
        name = self.options.generator
        if self.picture.metadata.get("is_model") != "true":
            return f"generator {name}, which is no model"
        return f"model {name}" + (" with random weights" if name in RANDOM else "")

    def _title(self) -> str:
        return self.options.scene.stem.replace("_", " ") if self.options.scene else self.scene.name

    def _report(self) -> None:
        view = self.scene.view_settings
        report = {
            "schema_version": REPORT_SCHEMA,
            "scene": str(self.options.scene) if self.options.scene else self.scene.name,
            "camera": self.camera.name,
            "side_camera": self.eye.to_dict(),
            "size": list(self.size),
            "prompt": self.options.prompt,
            "retouch": {"object": self.retouched.object, "id": self.retouched.id, "prompt": self.options.retouch},
            "generator": self.options.generator,
            "generator_said": self.picture.metadata,
            "seed": self.options.seed,
            "light_added": self.light_added,
            "objects_without_class": sorted(set(self.maps.without_class())),
            "view_transform": view.view_transform,
            "look": view.look,
            "exposure": view.exposure,
            "gamma": view.gamma,
            "seconds": self.stages.seconds,
            "figures": self.figures,
            "bytes": {path.name: path.stat().st_size for path in sorted(self.folder.iterdir())},
            "versions": {
                "addon": ADDON_VERSION,
                "blender": bpy.app.version_string,
                "python": platform.python_version(),
                "numpy": np.__version__,
                "platform": platform.platform(),
                "cpus": os.cpu_count(),
            },
        }
        write_json(self.folder / "report.json", report)

    def _render(self, camera: bpy.types.Object, samples: int = 1) -> np.ndarray:
        pixels = texturing.render_view(self.scene, camera=camera, size=self.size, samples=samples)[..., :3]
        self.stages.stop.check()
        return pixels

    def _write(self, name: str, pixels: np.ndarray) -> None:
        self.pixels[name] = pixels
        write_png(self.folder / f"{name}.png", pixels)


def _default_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """The scene's aspect with the long side of the demo, multiples of 8."""
    from .demo import DEFAULT_LONG_SIDE

    width, height = scene.render.resolution_x, scene.render.resolution_y
    scale = DEFAULT_LONG_SIDE / max(width, height)
    return max(8, round(width * scale / 8) * 8), max(8, round(height * scale / 8) * 8)


def _classes_present(maps: SceneMaps) -> list[int]:
    """Class ids in the picture, most pixels first."""
    counts = np.bincount(maps.class_map.ravel(), minlength=65536)[:65535]
    return [int(index) for index in np.argsort(-counts, kind="stable") if counts[index]]


def _depth_range(maps: SceneMaps) -> str:
    """Nearest and farthest surface in metres."""
    seen = maps.depth[np.isfinite(maps.depth)] * maps.unit_scale
    return f"{seen.min():.3g} to {seen.max():.3g} m" if seen.size else "nothing seen"


def _counted(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def _spoken(figure: float | None) -> str:
    if figure is None:
        return "the camera sees no background"
    return "identical to the picture" if figure == figures.IDENTICAL else f"{figure:.1f} dB against the picture"
