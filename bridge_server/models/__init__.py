"""The models: what there is (``catalogue``), where it lies (``places``), getting and loading it, and their memory."""
