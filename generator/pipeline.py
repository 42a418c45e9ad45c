"""The straight line: load -> charts -> resolve -> render -> validate -> write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from generator import argocd, output, recipes, tools
from generator.argocd import ignore
from generator.argocd.files import RESERVED
from generator.charts.base import BASE_CHARTS
from generator.charts.build import Chart, json_text
from generator.charts.cache import Standing, all_charts
from generator.errors import Location, Problem, ProblemsFound, Severity, dotted, ordered
from generator.model.axes import Recipe
from generator.render.batch import Job, render
from generator.resolve import base
from generator.resolve.layers import merged
from generator.resolve.release import (
    Interface,
    Resolved,
    context_of,
    resolve,
    variant_problems,
)
from generator.resolve.rows import engine_image, standing_layers
from generator.sources import references
from generator.sources.catalog import Accelerators, EngineFile, Model, StackFile
from generator.sources.check import Schema
from generator.sources.environment import Environment, Release
from generator.sources.load import Sourced, Sources, load
from generator.validate import argocd_options, argocd_waves, cel, kubeconform
from generator.validate.registry import CATALOG_CHECKS, ENVIRONMENT_CHECKS, RELEASE_CHECKS
from generator.validate.scope import EnvironmentScope, Finding, ReleaseScope
from generator.values.schema import DIALECT
from generator.write import Changes, compare

Tree = dict[str, Any]
Say = Callable[[str], None]

BASE = "_base"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to work on, and how."""

    root: Path
    environments: frozenset[str] = frozenset()
    releases: frozenset[str] = frozenset()
    cached: bool = True
    # no: kubeconform and crdcheck read only objects that differ from the disk, as a build does; the rest was read
    # when it was written, and `check` reads everything
    everything: bool = True
    # the day on which exceptions from policies are judged; what is made never depends on it
    today: date | None = None

    @property
    def narrowed(self) -> bool:
        """A filter is set: what it leaves out is neither made nor deleted."""
        return bool(self.environments or self.releases)


class Outcome(msgspec.Struct, frozen=True):
    """The output tree as a value, how the disk differs from it, what was found, and the figures of the run."""

    tree: dict[str, str]
    changes: Changes
    problems: tuple[Problem, ...]
    figures: dict[str, int]

    @property
    def failed(self) -> bool:
        """Tell whether an error, not just a warning, was found."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)


class Made(msgspec.Struct, frozen=True):
    """One release on its way: resolved, then rendered."""

    resolved: Resolved
    objects: dict[str, Tree]


def run(options: Options, say: Say) -> Outcome:
    """Make everything, as a value; nothing is written.

    A step that finds problems lets the next ones see what is left, so that one run says everything.

    Raises: ProblemsFound when there is nothing to go on with.
    """
    sources, problems = load_step(options)
    say("charts")
    try:
        charts = charts_step(options, sources)
    except ProblemsFound as stop:
        # without the catalog's engines there is nothing to make charts from
        raise ProblemsFound(ordered([*problems, *stop.problems])) from None
    say("values")
    resolved, found = resolve_step(options, charts, sources)
    problems += found
    whole = not problems
    say(f"render {len(resolved)} releases")
    environments = chosen(options, sources)
    made, bases, found = render_step(charts, resolved, sources, environments)
    problems += found
    own = {name: own_objects(charts, sources, name, made, bases[name]) for name in environments}
    say("check")
    objects = every_object(sources, made, own)
    folders = folders_of(made)
    tree = dict(tree_of(options, charts, made, own, folders))
    changes = compare(options.root, tree, owned(options, sources))
    judged = objects if options.everything else differing(tree, changes, objects, folders)
    with ThreadPoolExecutor() as pool:
        # these read in processes of their own, while Python does the rest
        schema = pool.submit(lambda: list(schema_step(options, judged)))
        rules = pool.submit(lambda: cel.check(tools.find("crdcheck"), options.root, judged) if judged else [])
        checked, count = validate_step(charts, sources, made, own, whole=whole, today=options.today)
        problems += checked
        by_schema = schema.result()
        problems += schema_problems(charts, sources, made, by_schema, "schema")
        problems += schema_problems(charts, sources, made, cel.beside(by_schema, rules.result()), "cel")
    figures = {
        "models": len(sources.models),
        "environments": len(environments),
        "releases": len(made),
        "charts": len(charts),
        "objects": len(objects),
        "checks": count,
    }
    return Outcome(tree, changes, ordered(problems), figures)


def load_step(options: Options) -> tuple[Sources, list[Problem]]:
    """Read everything that people wrote, and say what is wrong with it."""
    sources, problems = load(options.root)
    problems = [*problems, *references.check(sources), *_unknown_filters(options, sources), *_taken(sources)]
    return sources, problems


def _taken(sources: Sources) -> Iterator[Problem]:
    for name, source in sources.environments.items():
        for release in sorted(RESERVED & set(source.releases)):
            message = f"the environment's own Application is called {name}-{release}"
            yield Problem(Location(source.releases[release].file), "", message, "give the release another name")


def _unknown_filters(options: Options, sources: Sources) -> Iterator[Problem]:
    for name in sorted(options.environments - set(sources.environments)):
        known = ", ".join(sources.environments)
        yield Problem(Location("environments"), "", f"there is no environment {name!r}", f"choose one of {known}")
    known_releases = {r for e in sources.environments.values() for r in e.releases}
    for name in sorted(options.releases - known_releases):
        yield Problem(Location("environments"), "", f"there is no release {name!r}", "`--release` takes a file's stem")


def chosen(options: Options, sources: Sources) -> list[str]:
    """The environments to work on."""
    return [name for name in sources.environments if not options.environments or name in options.environments]


def charts_step(options: Options, sources: Sources) -> dict[str, Chart]:
    """Make the charts, or take them from the cache."""
    standing = {}
    for recipe in recipes.charts():
        engine, stack = sources.engines.get(recipe.engine), sources.stacks.get(recipe.stack)
        if engine is None or stack is None:
            missing = recipe.engine.value if engine is None else recipe.stack.value
            folder = "engines" if engine is None else "stacks"
            place = Location(f"catalog/{folder}/{missing}.yaml")
            raise ProblemsFound((Problem(place, "", "the file is missing", f"describe {missing} there", "catalog"),))
        layers = standing_layers(recipe, engine, stack, None)
        standing[recipe] = Standing(merged(layers), engine_image(recipe, engine, stack, None)[0])
    return all_charts(options.root, standing, cached=options.cached)


def interfaces_of(charts: Mapping[str, Chart]) -> dict[Recipe, Interface]:
    """Take each recipe's interface from its chart."""
    return {
        recipe: Interface(
            Schema(msgspec.json.decode(charts[recipe.chart].overlay)),
            Schema(msgspec.json.decode(charts[recipe.chart].files["values.schema.json"])),
            charts[recipe.chart].defaults,
            charts[recipe.chart].quantities,
        )
        for recipe in recipes.charts()
    }


def resolve_step(
    options: Options, charts: Mapping[str, Chart], sources: Sources
) -> tuple[dict[str, Resolved], list[Problem]]:
    """Give each release its complete values."""
    done: dict[str, Resolved] = {}
    interfaces = interfaces_of(charts)
    problems = [p for source in sources.models.values() for p in variant_problems(source, interfaces)]
    for environment in chosen(options, sources):
        for name in sources.environments[environment].releases:
            if options.releases and name not in options.releases:
                continue
            if not can_resolve(sources, sources.environments[environment].releases[name].value):
                continue
            context = context_of(sources, environment, name)
            if isinstance(context, Problem):
                problems.append(context)
                continue
            resolved, found = resolve(context, interfaces[context.recipe])
            problems += found
            if resolved is not None:
                done[f"{environment}/{name}"] = resolved
    return done, problems


def can_resolve(sources: Sources, release: Release) -> bool:
    """Tell whether a release's model and variant are there; if not, a problem says so already."""
    model = sources.models.get(release.model)
    return model is not None and release.variant in model.value.variants


def render_step(
    charts: Mapping[str, Chart], resolved: Mapping[str, Resolved], sources: Sources, environments: Iterable[str]
) -> tuple[dict[str, Made], dict[str, list[Tree]], list[Problem]]:
    """Render every release, and what each environment itself needs, many in one call."""
    places = {key: item.context.release.document.locate(()) for key, item in resolved.items()}
    jobs = [
        Job(key, item.chart, item.namespace, item.values, item.context.environment.value.versions.kubernetes)
        for key, item in resolved.items()
    ]
    own: dict[str, list[str]] = {}
    for name in environments:
        source = sources.environments[name].environment
        for item in base.releases(source.value):
            key = f"{name}/{BASE}/{item.name}"
            jobs.append(Job(key, item.chart, "", item.values, source.value.versions.kubernetes))
            places[key] = source.document.locate(())
            own.setdefault(name, []).append(key)
    texts = {name: chart.files for name, chart in charts.items()}
    done, problems = render(tools.find("helm"), texts, jobs, places)
    made = {key: Made(item, done[key].objects) for key, item in sorted(resolved.items()) if key in done}
    bases = {
        name: [manifest for key in keys if key in done for manifest in done[key].objects.values()]
        for name, keys in own.items()
    }
    return made, bases, problems


def scopes_of(charts: Mapping[str, Chart], made: Mapping[str, Made]) -> dict[str, ReleaseScope]:
    """What the checks see of each release."""
    return {key: ReleaseScope(item.resolved, charts[item.resolved.chart], item.objects) for key, item in made.items()}


def validate_step(
    charts: Mapping[str, Chart],
    sources: Sources,
    made: Mapping[str, Made],
    own: Mapping[str, Mapping[str, Tree]],
    *,
    whole: bool,
    today: date | None = None,
) -> tuple[list[Problem], int]:
    """Run every check over everything; give what was found and how many checks there are, other programs' too.

    Not `whole`: a release is missing, and what spans releases would be judged wrongly.
    """
    scopes = scopes_of(charts, made)
    problems = [
        scope.problem(finding, check_id)
        for scope in scopes.values()
        for check_id, check in RELEASE_CHECKS.items()
        for finding in check(scope)
    ]
    problems += [problem for check in CATALOG_CHECKS.values() for problem in check(sources)]
    for name, objects in own.items():
        problems += own_problems(sources.environments[name].environment, objects)
    for name in own if whole else ():
        inside = tuple(item for key, item in scopes.items() if key.startswith(f"{name}/"))
        everything = EnvironmentScope(sources.environments[name].environment, inside, today)
        problems += [problem for check in ENVIRONMENT_CHECKS.values() for problem in check(everything)]
    return problems, len(RELEASE_CHECKS) + len(ENVIRONMENT_CHECKS) + len(CATALOG_CHECKS) + 2


def every_object(
    sources: Sources, made: Mapping[str, Made], own: Mapping[str, Mapping[str, Tree]]
) -> dict[str, tuple[str, Tree]]:
    """Every object by `<environment>/<release>/<file>`, with the minor of the cluster that it is for."""
    objects = {}
    for name, manifests in own.items():
        minor = sources.environments[name].environment.value.versions.kubernetes
        objects.update({f"{name}/{BASE}/{file}": (minor, manifest) for file, manifest in manifests.items()})
    for key, item in made.items():
        minor = item.resolved.context.environment.value.versions.kubernetes
        objects.update({f"{key}/{file}": (minor, manifest) for file, manifest in item.objects.items()})
    return objects


def folders_of(made: Mapping[str, Made]) -> dict[str, str]:
    """Name the folder of every release below `rendered/`, by `<environment>/<release>`."""
    return {
        key: ignore.folder(key.partition("/")[2], ignore.rules(item.objects.values())) for key, item in made.items()
    }


def differing(
    tree: Mapping[str, str],
    changes: Changes,
    objects: Mapping[str, tuple[str, Tree]],
    folders: Mapping[str, str],
) -> dict[str, tuple[str, Tree]]:
    """Keep the objects whose file is not on the disk as it would be written."""
    apart = {*changes.new, *changes.changed}
    out = {}
    for key, (minor, manifest) in objects.items():
        environment, release, file = key.split("/", 2)
        if release == BASE:
            path = file
        else:
            path = output.object_path(environment, folders[f"{environment}/{release}"], manifest)
        if path in apart or path not in tree:
            out[key] = (minor, manifest)
    return out


def schema_step(options: Options, objects: Mapping[str, tuple[str, Tree]]) -> Iterator[kubeconform.Found]:
    """Let kubeconform read every object as the cluster's own version would."""
    by_minor: dict[str, dict[str, Tree]] = {}
    for key, (minor, manifest) in objects.items():
        by_minor.setdefault(minor, {})[key] = manifest
    for minor, manifests in by_minor.items():
        yield from kubeconform.check(tools.find("kubeconform"), options.root, minor, manifests)


def schema_problems(
    charts: Mapping[str, Chart],
    sources: Sources,
    made: Mapping[str, Made],
    found: Iterable[kubeconform.Found],
    check: str,
) -> Iterator[Problem]:
    """Follow what another program found back to the lines that people wrote."""
    for key, path, message, hint in found:
        environment, release, file = key.split("/", 2)
        if release == BASE:
            document = sources.environments[environment].environment.document
            yield Problem(document.locate(()), f"{file}: {dotted(path)}", message, hint, check)
            continue
        item = made[f"{environment}/{release}"]
        scope = ReleaseScope(item.resolved, charts[item.resolved.chart], item.objects)
        yield scope.problem(Finding(file, path, message, hint), check)


def own_problems(environment: Sourced[Environment], objects: Mapping[str, Tree]) -> Iterator[Problem]:
    """Check the objects of the environment itself and of Argo CD: options as Argo CD spells them, and waves."""
    for check in (argocd_options.check, argocd_waves.check):
        for file, path, message, hint in check(objects.items()):
            place = f"{file}: {dotted(path)}"
            yield Problem(environment.document.locate(()), place, message, hint, "options")


def tree_of(
    options: Options,
    charts: Mapping[str, Chart],
    made: Mapping[str, Made],
    own: Mapping[str, Mapping[str, Tree]],
    folders: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Every file that is made, with its text."""
    if not options.narrowed:
        yield from output.chart_files(charts)
        yield from schema_files(charts)
    for key, item in made.items():
        environment, _, name = key.partition("/")
        yield output.values_file(environment, name, charts[item.resolved.chart], item.resolved.values)
        for manifest in item.objects.values():
            yield output.object_file(environment, folders[key], manifest)
    for environment, objects in own.items():
        wanted = {output.argocd_path(environment, f"application-{name}.yaml") for name in options.releases}
        for file, manifest in objects.items():
            if not options.releases or file in wanted:
                yield file, output.text_of(manifest)


def own_objects(
    charts: Mapping[str, Chart],
    sources: Sources,
    environment: str,
    made: Mapping[str, Made],
    base_objects: list[Tree],
) -> dict[str, Tree]:
    """What belongs to no single release, by file: the environment's own objects, projects and Applications."""
    releases = [
        argocd.ReleaseObjects(
            name=item.resolved.name,
            namespace=item.resolved.namespace,
            objects=list(item.objects.values()),
            kinds_emitable=charts[item.resolved.chart].kinds(),
        )
        for key, item in made.items()
        if key.startswith(f"{environment}/")
    ]
    # every chart's kinds, in use or not: what was the last release of its chart must still be pruned
    names = {chart.name for chart in BASE_CHARTS}
    for_base = frozenset(kind for name in names for kind in charts[name].kinds())
    for_releases = frozenset(kind for name, chart in charts.items() if name not in names for kind in chart.kinds())
    applications = argocd.files(
        sources.environments[environment].environment.value,
        releases,
        base_objects,
        emitable=for_releases,
        emitable_base=for_base,
    )
    return {
        **{output.base_path(environment, manifest): manifest for manifest in base_objects},
        **{output.argocd_path(environment, file): manifest for file, manifest in applications.items()},
    }


_DOCUMENTS: dict[str, type[msgspec.Struct]] = {
    "model": Model,
    "engine": EngineFile,
    "stack": StackFile,
    "accelerators": Accelerators,
    "environment": Environment,
    "release": Release,
}


def schema_files(charts: Mapping[str, Chart]) -> Iterator[tuple[str, str]]:
    """Schemas for editors: of every hand-written document, and of the overrides of every chart."""
    comment = {"$schema": DIALECT, "$comment": output.HEADER}
    for name, type_ in _DOCUMENTS.items():
        schema = {**comment, **msgspec.json.schema(type_)}
        yield f"schemas/{name}.json", json_text(schema)
    for chart in charts.values():
        yield f"schemas/overlays/{chart.name}.json", chart.overlay


def owned(options: Options, sources: Sources) -> tuple[str, ...]:
    """The folders in which whatever is not made is deleted; a filter narrows them."""
    if options.releases:
        return tuple(
            place
            for environment in chosen(options, sources)
            for release in sorted(options.releases)
            for place in output.owned_by_release(environment, release)
            if release in sources.environments[environment].releases
        )
    places = [place for name in chosen(options, sources) for place in output.owned_by_environment(name)]
    if options.environments:
        return tuple(places)
    left = [
        place
        for folder in sorted((options.root / "environments").glob("*"))
        if folder.is_dir() and folder.name not in sources.environments
        for place in output.owned_by_environment(folder.name)
    ]
    made_charts = [
        f"charts/{folder.name}"
        for folder in sorted((options.root / "charts").glob("*"))
        if folder.is_dir() and folder.name != "released"
    ]
    return (*places, *left, *made_charts, "schemas/overlays")
