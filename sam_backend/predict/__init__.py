"""From a picture and prompts to masks: the crossing of frames, the embedding, the predictor."""
