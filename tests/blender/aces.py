"""Run by a test in a process of its own: figures of the little scene under whatever OCIO says."""

import sys

import numpy as np

from blender_segaddon.texturing.colour import to_display, to_scene_linear
from blender_segaddon.texturing.projection import project
from blender_segaddon.texturing.render import render_view

from .cast import cast_maps
from .little import SIZE, gentle_picture, little_scene, psnr

scene = little_scene()
picture = gentle_picture()
linear = to_scene_linear(picture, scene)
shown = np.rint(to_display(linear.pixels, scene) * 255)
maps = cast_maps(scene, SIZE)
project(scene, linear.pixels, maps)
seen = (maps.instance_map > 0) & linear.reachable
projected = psnr(render_view(scene, size=SIZE), picture, seen)
sys.stdout.write(f"\nFigures: {psnr(shown, picture, linear.reachable)} {linear.unreachable} {projected}\n")
