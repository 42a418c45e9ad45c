"""Prints the one manifest that a person applies to start an environment."""

from __future__ import annotations

from generator.argocd import bootstrap
from generator.errors import Exit
from generator.sources.environment import Environment


def run(environment: Environment) -> int:
    """Print the root project and the root Application as YAML, for `kubectl apply --server-side`."""
    from generator.render.dump import dump

    print("---\n".join(dump(manifest) for manifest in bootstrap(environment)), end="")
    return Exit.CLEAN
