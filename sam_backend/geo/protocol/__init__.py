"""One protocol for every client of the raster engine; docs/raster-protocol.md is its contract."""
