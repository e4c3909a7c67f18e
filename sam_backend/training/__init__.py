"""Training: data, the simulated annotator, losses and the loop (paper section 3 and appendix A)."""
