"""``/try``: a page to point at a picture and see the masks, and the few routes that it calls."""
