"""Masks and what they are written as: COCO RLE, Label Studio brush RLE, PNG with alpha, polygons. No torch."""
