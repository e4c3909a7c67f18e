"""What speaks with the raster engine: a process of its own here, or a service over HTTP. No QGIS but in ``choose``."""
