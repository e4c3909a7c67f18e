"""The engine as a process of its own: lines of JSON in, lines of JSON out; see docs/raster-protocol.md."""
