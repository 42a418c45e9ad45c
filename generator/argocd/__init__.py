"""What Argo CD reads: projects, Applications, its settings, health checks and ignore rules. No I/O."""

from generator.argocd.files import bootstrap, files
from generator.argocd.objects import ReleaseObjects

__all__ = ["ReleaseObjects", "bootstrap", "files"]
