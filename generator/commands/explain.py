"""Why a value is what it is: every layer that sets it, down to the line."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from generator import pipeline, report
from generator.charts.build import Chart
from generator.dump import scalar
from generator.errors import Exit, Location, Problem, ProblemsFound, dotted, nearest, ordered
from generator.resolve.derive import FIGURES
from generator.resolve.layers import Path, find
from generator.resolve.release import Resolved, context_of, resolve
from generator.sources.load import Sources
from generator.template.expand import Expansion, expand, holds

WIDTH = 100
# a path is never cut
WHOLE: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
_OBJECT = re.compile(r"([A-Z]\w+)/([^:]+)(?::(.*))?")


def run(options: pipeline.Options, target: str, place: str | None) -> int:
    """Explain a release, one of its values, or one field of one of its objects."""
    try:
        sources, problems = pipeline.load_step(options)
        if problems:
            raise ProblemsFound(ordered(problems))
        resolved = _release(sources, target)
        if not place:
            _overview(resolved)
        elif match := _OBJECT.fullmatch(place):
            charts = pipeline.charts_step(options, sources)
            _field(charts[resolved.chart], resolved, match[1], match[2], match[3] or "")
        else:
            _value(resolved, parse_path(place, resolved.values))
    except ProblemsFound as found:
        print(report.as_text(found.problems), end="")
        return Exit.PROBLEMS
    return Exit.CLEAN


def _refuse(location: str, message: str, hint: str) -> ProblemsFound:
    return ProblemsFound((Problem(Location(location), "", message, hint, "explain"),))


def _release(sources: Sources, target: str) -> Resolved:
    environment, _, name = target.partition("/")
    if environment not in sources.environments:
        known = ", ".join(sources.environments)
        raise _refuse("environments", f"there is no environment {environment!r}", f"choose one of {known}")
    releases = sources.environments[environment].releases
    if name not in releases:
        near = nearest(name, releases)
        hint = f"did you mean {environment}/{near}?" if near else f"there is {', '.join(releases) or 'none'}"
        raise _refuse(f"environments/{environment}/releases", f"there is no release {name!r}", hint)
    context = context_of(sources, environment, name)
    if isinstance(context, Problem):
        raise ProblemsFound((context,))
    resolved, problems = resolve(context)
    if resolved is None:
        raise ProblemsFound(tuple(problems))
    return resolved


def parse_path(text: str, data: Any) -> Path:
    """Read `a.b[0].c`; a key that holds dots is found in the data that it belongs to."""
    path: list[str | int] = []
    rest = text
    while rest:
        rest = rest.removeprefix(".")
        if index := re.match(r"\[(\d+)\]", rest):
            path.append(int(index[1]))
            rest = rest[index.end() :]
        else:
            found, here = find(data, tuple(path))
            keys = here if found and isinstance(here, dict) else {}
            fits = [key for key in keys if rest == key or rest.startswith((f"{key}.", f"{key}["))]
            key = max(fits, key=len, default=re.split(r"[.\[]", rest, maxsplit=1)[0])
            if not key:
                break
            path.append(key)
            rest = rest[len(key) :]
    return tuple(path)


def _overview(resolved: Resolved) -> None:
    context = resolved.context
    variant = context.variant
    rows = [
        ("release", f"{resolved.environment}/{resolved.name} in namespace {resolved.namespace}"),
        ("model", f"{context.model.value.name} ({context.model.file})"),
        ("variant", f"{context.release.value.variant}, sized by {variant.sizing.basis.value}"),
        ("chart", resolved.chart),
        ("engine", f"{context.recipe.engine.value} {context.engine_version}"),
        ("image", _image(resolved)),
        ("answers at", ", ".join(find(resolved.values, ("route", "hostnames"))[1]) or "no route"),
    ]
    for role in context.roles:
        gpus = f"{role.needs.gpus_per_pod} x {role.needs.accelerator}" if role.accelerator else "no GPU"
        rows.append((f"role {role.name}", f"{gpus} a pod, pool {role.pool_name or 'any'}"))
    for name, text in rows:
        print(f"{name:<12} {text}")
    print("\nderived figures")
    for figure in FIGURES:
        for role in context.roles if "*" in figure.path else context.roles[:1]:
            path = tuple(role.name if key == "*" else key for key in figure.path)
            origin = resolved.origins(path)[-1]
            print(f"  {dotted(path)} = {_shown(origin.value)}")
            _print(origin.place, 4)
    print(f"\nMore: modelyard explain {resolved.environment}/{resolved.name} timing.startupSeconds")


def _image(resolved: Resolved) -> str:
    _, image = find(resolved.values, ("image",))
    return f"{image['repository']}@{image['digest']}" if image["digest"] else f"{image['repository']}:{image['tag']}"


def _shown(value: Any) -> str:
    text = scalar(value) if not isinstance(value, (dict, list)) else str(value)
    return text if len(text) <= WIDTH - 20 else f"{text[: WIDTH - 23]}..."


def _print(text: str, indent: int) -> None:
    pad = " " * indent
    lines = textwrap.wrap(text, WIDTH, initial_indent=pad, subsequent_indent=pad, **WHOLE)
    print("\n".join(lines))


def _equation(left: str, value: Any) -> None:
    line = f"{left} = {_shown(value)}"
    print(line if len(line) <= WIDTH else f"{left} =\n  {_shown(value)}")


def _value(resolved: Resolved, path: Path) -> None:
    found, value = find(resolved.values, path)
    if not found:
        parent = next(path[:end] for end in range(len(path) - 1, -1, -1) if find(resolved.values, path[:end])[0])
        _, here = find(resolved.values, parent)
        keys = list(here) if isinstance(here, dict) else []
        near = nearest(str(path[len(parent)]), keys)
        hint = f"did you mean {near}?" if near else f"there is {', '.join(keys) or 'nothing'}"
        raise _refuse(f"charts/{resolved.chart}", f"the values have no {dotted(path)}", hint)
    _equation(dotted(path), value)
    layers = resolved.origins(path)
    if not layers:
        print(f"  chart default  charts/{resolved.chart}/values.yaml")
    for index, origin in enumerate(layers):
        mark = "->" if index == len(layers) - 1 else "  "
        print(f"  {mark} {origin.layer:<12} {_shown(origin.value)}")
        _print(origin.place, 18)


def _objects(chart: Chart, resolved: Resolved) -> list[tuple[str, Expansion]]:
    return [
        (template.file, expand(template.manifest, resolved.values, resolved.namespace))
        for template in chart.skeleton
        if holds(template.condition, resolved.values, resolved.namespace)
    ]


def _field(chart: Chart, resolved: Resolved, kind: str, name: str, place: str) -> None:
    objects = _objects(chart, resolved)
    names = [f"{found.data['kind']}/{found.data['metadata']['name']}" for _, found in objects]
    wanted = f"{kind}/{name}"
    if wanted not in names:
        near = nearest(wanted, names)
        hint = f"did you mean {near}?" if near else f"there is {', '.join(names)}"
        raise _refuse(f"environments/{resolved.environment}/rendered/{resolved.name}", f"there is no {wanted}", hint)
    file, found = objects[names.index(wanted)]
    path = parse_path(place, found.data)
    there, value = find(found.data, path)
    if not there:
        raise _refuse(f"charts/{chart.name}/templates/{file}", f"{wanted} has no {dotted(path)}", "look at the file")
    _equation(f"{wanted}: {dotted(path) or 'all of it'}", value)
    print(f"  template       charts/{chart.name}/templates/{file}")
    behind = found.origin(path)
    if not behind:
        parts = found.below(path)
        print("  made of" if parts else "  written by the chart for every release")
        for part in parts:
            print(f"    {dotted(part)}")
    for values_path in behind:
        print()
        _value(resolved, values_path)
