"""All masks of a picture from a grid of points, equal to the official generator's (paper section 4 and appendix B)."""
