"""What people write: YAML with positions, and the closed models of catalog, environment and release."""
