"""Full-size masks from low-res logits, computed only where an outline runs."""
