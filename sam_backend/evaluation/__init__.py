"""How good a model is, beside the tools that a user would otherwise have."""
