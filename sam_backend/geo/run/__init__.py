"""A run over a raster: tiles through the model into a journal, and from the journal to merged polygons."""
