"""Data sets: each a `PictureSet` over files as they lie on disk."""
