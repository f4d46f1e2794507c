"""Where objects are built out of settings, and nowhere else: `web` for a process that serves, `training` for one that
trains, which needs torch."""
