"""Learning from one project of Label Studio, in minutes: the decoder on, the encoder as it is."""
