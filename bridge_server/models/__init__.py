"""The models: what there is (``catalogue``), where it lies (``places``), ``download`` and ``loading``."""
