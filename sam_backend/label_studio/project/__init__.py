"""Whole projects over Label Studio's REST interface: their tasks page by page, and predictions in batches."""
