"""The raster engine over HTTP: runs, uploads, and the paths that a request may name. See docs/raster-protocol.md."""
