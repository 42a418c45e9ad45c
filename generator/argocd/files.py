"""The files below `environments/<env>/argocd/`, and the manifest that starts it all."""

from __future__ import annotations

from collections.abc import Iterable

from generator.argocd import applications, projects, settings
from generator.argocd.objects import GroupKind, Manifest, ReleaseObjects
from generator.sources.environment import Environment

# names that an environment's own Applications take: `<env>-base` and so on
RESERVED = frozenset({"base", "platform", "root", "settings"})


def files(
    environment: Environment,
    releases: Iterable[ReleaseObjects],
    base: Iterable[Manifest],
    *,
    emitable: frozenset[GroupKind] = frozenset(),
    emitable_base: frozenset[GroupKind] = frozenset(),
) -> dict[str, Manifest]:
    """Map file names below `environments/<env>/argocd/` to one object each.

    `emitable` and `emitable_base` are the kinds that charts can emit for releases and for `_base`, used here or
    not: the last object of a kind is pruned only while its kind is allowed. The root reads the folder itself only:
    what lies in `settings/` has an Application of its own. A release without objects, such as one whose target is
    files, gets no Application.

    Raises: ValueError when a release has one of the names in `RESERVED`.
    """
    rendered = sorted((release for release in releases if release.objects), key=lambda release: release.name)
    taken = RESERVED.intersection(release.name for release in rendered)
    if taken:
        raise ValueError(f"{sorted(taken)[0]!r} is the name of one of the environment's own Applications")
    return {
        "project-root.yaml": projects.root(environment, base, emitable=emitable_base),
        "project-releases.yaml": projects.releases(environment, rendered, emitable=emitable),
        "application-settings.yaml": applications.settings(environment),
        "settings/argocd-cm.yaml": settings.fragment(environment),
        "application-base.yaml": applications.base(environment),
        **{f"application-{release.name}.yaml": applications.of_release(environment, release) for release in rendered},
    }


def bootstrap(environment: Environment) -> list[Manifest]:
    """List what a person applies once: the root's project, then the root.

    From then on Git holds the project: the root syncs its own file of it.
    """
    return [projects.root(environment), applications.root(environment)]
