"""The official Segment Anything, `transformers`' and ours, measured in turn in one environment: ``make bench``."""
