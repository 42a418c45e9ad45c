"""Images by digest, as strictly as the environment wants: a tag can be given to another build.

One warning an environment: an image is in many releases, and the digest belongs into the catalog, once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from generator.errors import Problem, Severity
from generator.validate.exceptions import excused
from generator.validate.scope import EnvironmentScope

CHECK = "digests"


def check(scope: EnvironmentScope) -> Iterator[Problem]:
    """Find images without a digest: an error each, or one warning for all."""
    policy = scope.facts.policies.digests
    if policy == "off":
        return
    tags: dict[str, list[str]] = defaultdict(list)
    for release in scope.releases:
        if excused(scope, "digests", release.name):
            continue
        for _, _, container, _ in release.programs:
            image = container.get("image", "")
            if "@" not in image and release.name not in tags[image]:
                tags[image].append(release.name)
    path = ("policies", "digests")
    hint = "write the digest beside the tag in catalog/engines or catalog/stacks"
    if policy == "deny":
        for image, releases in sorted(tags.items()):
            if releases:
                message = f"the image {image} has no digest ({releases[0]}{_more(releases)})"
                yield scope.problem(path, message, hint, CHECK)
        return
    images = sorted(image for image, releases in tags.items() if releases)
    if images:
        message = f"{len(images)} {'image has' if len(images) == 1 else 'images have'} no digest: {', '.join(images)}"
        yield scope.problem(path, message, hint, CHECK, severity=Severity.WARNING)


def _more(releases: list[str]) -> str:
    return f" and {len(releases) - 1} more" if len(releases) > 1 else ""
