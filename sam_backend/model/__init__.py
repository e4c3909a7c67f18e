"""The network: image encoders, prompt encoder, two-way transformer, mask decoder, and the reading of weights."""
