"""Runs over rasters by the workers of a dask scheduler, on as many machines as there are."""
