"""What all ways of inpainting share: crop with context and stitch back, fill from the surroundings. numpy only.

``crop``: a mask → the part of the picture that a model works on, and the result back into the picture.
``fill``: what would be seen if the thing under the mask were not there.
"""
