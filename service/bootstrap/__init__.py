"""The composition root, where objects are built from the settings: `web` for a web process, `training` for a worker,
which needs torch."""
