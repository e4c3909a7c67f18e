"""The HTTP service that a Label Studio project connects to as its model."""
