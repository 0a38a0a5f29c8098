"""USD layers as text."""

from __future__ import annotations

from blender_segaddon.core.usd import Mesh, Texture, meshes, stage, textures

WRITTEN = '''#usda 1.0
(
    defaultPrim = "root"
    doc = """Blender
def Mesh "not this" """
    metersPerUnit = 0.01
    upAxis = "Z"
)

def Xform "root"
{
    def Xform "H_user"
    {
        custom string userProperties:blender:object_name = 'Häuser "1"'
        custom string note = """
def Mesh "nor this"
"""

        def Xform "Roof"
        {
            custom string userProperties:blender:object_name = "Roof.001"

            def Mesh "Mesh" (
                prepend apiSchemas = ["MaterialBindingAPI"]
            )
            {
                rel material:binding = </root/_materials/Red>
                texCoord2f[] primvars:Seg_Bake = [(0, 0)] (
                    interpolation = "faceVarying"
                )
                texCoord2f[] primvars:st = [(0, 0)]

                def GeomSubset "Red"
                {
                }

                def GeomSubset "Blue"
                {
                }
            }
        }

        def Mesh "Own"
        {
        }
    }
}
'''
ROOF = Mesh("/root/H_user/Roof/Mesh", ('Häuser "1"', "Roof.001"), ("Red", "Blue"), ("Seg_Bake", "st"))


def test_meshes_are_found_by_the_names_of_their_objects():
    assert meshes(WRITTEN.splitlines(keepends=True)) == [ROOF, Mesh("/root/H_user/Own", ('Häuser "1"',), (), ())]


def test_a_stage_is_as_large_as_its_scene():
    text = stage(WRITTEN.splitlines(keepends=True), ["./textures.usda", "./scene.usda"])
    assert "metersPerUnit = 0.01" in text
    assert "Blender" not in text
    assert text.index("@./textures.usda@") < text.index("@./scene.usda@")


def test_a_layer_of_textures_holds_nothing_else():
    text = textures([Texture(ROOF, "./t/Seg Bake Roof.png", "Seg_Bake", raw=False, emits=True)])
    assert text.count("rel material:binding = </root/seg_textures/texture_0>") == 3, "the mesh and both of its subsets"
    assert "asset inputs:file = @./t/Seg Bake Roof.png@" in text
    assert 'string inputs:varname = "Seg_Bake"' in text
    assert text.count("{") == text.count("}")
    assert [line.strip() for line in text.splitlines() if line.strip().startswith("def ")] == [
        'def Scope "seg_textures"',
        'def Material "texture_0"',
        'def Shader "surface"',
        'def Shader "picture"',
        'def Shader "place"',
    ]


def test_a_surface_reflects_only_where_it_has_a_roughness():
    dull, shiny = (textures([Texture(ROOF, "a.png", "st", True, False, rough)]) for rough in (None, 0.3))
    assert "specularColor = (0, 0, 0)" in dull
    assert "float inputs:roughness = 0.3" in shiny
    assert "specularColor" not in shiny


def test_a_path_with_an_at_sign_is_written_so_that_usd_reads_it():
    text = stage(["#usda 1.0\n", "(\n"], ["./shot@2_textures.usda", "./plain.usda"])
    assert "@@@./shot@2_textures.usda@@@" in text and "        @./plain.usda@," in text
