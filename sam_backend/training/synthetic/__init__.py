"""Training pictures that are made, not collected: drawn scenes, and cut-out objects pasted on photographs."""
