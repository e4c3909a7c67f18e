"""Georeferenced rasters: windows in, polygons in map coordinates out."""
