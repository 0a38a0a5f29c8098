"""Pictures → masks: models that follow clicks and boxes, and what does so without weights. Runs in the worker."""
