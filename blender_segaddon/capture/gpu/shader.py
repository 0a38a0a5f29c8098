# pyright: reportCallIssue=false, reportGeneralTypeIssues=false
# (the stubs of the gpu module know no constructors)
"""The one shader that writes ids: integers, no blending, no anti-aliasing, the true distance in the depth buffer."""

from __future__ import annotations

from functools import cache

import gpu

ROW_TEXELS = 4
"""Texels that one instance takes in the table: three rows of its matrix to camera space, and its id."""
TABLE_INSTANCES = 256
"""Instances in one line of the table."""

_VERTEX = """
void main()
{
  int slot = first + gl_InstanceID;
  ivec2 at = ivec2((slot % 256) * 4, slot / 256);
  vec4 x = texelFetch(instances, at, 0);
  vec4 y = texelFetch(instances, at + ivec2(1, 0), 0);
  vec4 z = texelFetch(instances, at + ivec2(2, 0), 0);
  shown = uint(texelFetch(instances, at + ivec2(3, 0), 0).x);
  vec4 place = vec4(position, 1.0);
  view = vec3(dot(x, place), dot(y, place), dot(z, place));
  gl_Position = projection * vec4(view, 1.0);
#ifdef NORMAL
  /* By the cofactors: the inverse transpose but for its length (and the side, see below). */
  turned = normal * mat3(cross(y.xyz, z.xyz), cross(z.xyz, x.xyz), cross(x.xyz, y.xyz));
#endif
}
"""

_FRAGMENT = """
void main()
{
  /* Linear: as exact far away as nearby, however near the clipping starts. */
  if (-view.z > depth_range.z) {
    discard;
  }
  gl_FragDepth = depth_range.y - view.z * depth_range.x;
  id_out = shown;
#ifdef DEPTH
  depth_out = -view.z;
#endif
#ifdef NORMAL
  /* On the side of the face that is seen: neither mirrored objects nor imported normals that point inwards matter. */
  vec3 face = cross(dFdx(view), dFdy(view));
  vec3 to_eye = projection[2][3] == 0.0 ? vec3(0.0, 0.0, 1.0) : -view;
  normal_out = vec4(normalize(turned) * (dot(turned, face) * dot(face, to_eye) < 0.0 ? -1.0 : 1.0), 0.0);
#endif
}
"""


@cache
def id_shader(depth: bool, normals: bool) -> gpu.types.GPUShader:
    """Draws ids; with ``depth`` also that (scene units along the axis), with ``normals`` those in camera space.

    Vertices: ``position`` (and ``normal`` with ``normals``), in object space. Instances: a table of ``ROW_TEXELS``
    texels each. Needs a GPU context; compiled once for a process.
    """
    info = gpu.types.GPUShaderCreateInfo()
    between = gpu.types.GPUStageInterfaceInfo(f"segaddon_ids_{depth:d}{normals:d}")
    between.flat("UINT", "shown")
    between.smooth("VEC3", "view")
    info.push_constant("MAT4", "projection")
    info.push_constant("VEC3", "depth_range")
    info.push_constant("INT", "first")
    info.sampler(0, "FLOAT_2D", "instances")
    info.vertex_in(0, "VEC3", "position")
    info.fragment_out(0, "UINT", "id_out")
    if depth:
        info.define("DEPTH")
        info.fragment_out(1, "FLOAT", "depth_out")
    if normals:
        info.define("NORMAL")
        info.vertex_in(1, "VEC3", "normal")
        between.smooth("VEC3", "turned")
        info.fragment_out(1 + depth, "VEC4", "normal_out")
    if hasattr(info, "depth_write"):  # since 4.5; before, what the source says is enough
        info.depth_write("ANY")
    info.vertex_out(between)
    info.vertex_source(_VERTEX)
    info.fragment_source(_FRAGMENT)
    return gpu.shader.create_from_info(info)
