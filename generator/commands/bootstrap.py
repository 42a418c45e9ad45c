"""Prints the one manifest that a person applies to start an environment."""

from __future__ import annotations

from pathlib import Path

from generator.argocd import bootstrap
from generator.dump import dump
from generator.errors import Exit, Location, Problem, ProblemsFound, ordered
from generator.sources.load import load


def run(root: Path, name: str) -> int:
    """Print the root project and the root Application as YAML, for `kubectl apply --server-side`.

    Raises: ProblemsFound when the environment cannot be read.
    """
    sources, problems = load(root)
    if name not in sources.environments:
        own = [p for p in problems if p.location.file.startswith(f"environments/{name}/")]
        known = ", ".join(sources.environments) or "none"
        missing = Problem(Location("environments"), "", f"there is no environment {name!r}", f"there is {known}")
        raise ProblemsFound(ordered(own) or (missing,))
    environment = sources.environments[name].environment.value
    header = "apply once: modelyard bootstrap ENV | kubectl apply --server-side --filename -"
    documents = [dump(manifest) for manifest in bootstrap(environment)]
    print(f"# {header}\n" + "---\n".join(documents), end="")
    return Exit.CLEAN
