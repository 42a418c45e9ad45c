"""Helm, in batches: many releases in one call through a parent chart that is thrown away."""
