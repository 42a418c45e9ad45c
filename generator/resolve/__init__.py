"""Catalog x environment to complete releases: layers, derived figures, and the one door of the environment."""
