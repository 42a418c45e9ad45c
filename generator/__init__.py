"""Generator of modelyard: one catalog in, charts and manifests out."""

__version__ = "0.1.0"
