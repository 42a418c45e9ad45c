"""A new release in catalog/engines: the entry of the one before with another version, and what is not known said."""

from __future__ import annotations

import copy
import io
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from generator.errors import Location, Problem, ProblemsFound

_NO_DIGEST = "No registry was asked; resolve the tag before a policy of deny is set."
_AS_OF = re.compile(r"^as of \S+, not read again: ")


def engine_file(root: Path, engine: str) -> str:
    """Name the file of an engine in the catalog.

    Raises: ProblemsFound when there is none.
    """
    file = f"catalog/engines/{engine}.yaml"
    if (root / file).is_file():
        return file
    known = ", ".join(sorted(path.stem for path in (root / "catalog" / "engines").glob("*.yaml")))
    raise _refuse(file, f"there is no engine {engine!r} in the catalog", f"engines of the catalog: {known}")


def with_release(root: Path, file: str, version: str) -> tuple[str, str]:
    """Give the file with one more release, above the others and the default, and the version that was it before.

    Raises: ProblemsFound when the release is there already, or the file would lose more than it gains.
    """
    yaml = _yaml()
    text = (root / file).read_text(encoding="utf-8")
    data = yaml.load(text)
    if _dumped(yaml, data) != text:
        message = "the file is not written as this command writes YAML, so that a change would touch other lines"
        raise _refuse(file, message, "indent lists by two, put no blanks into empty lines, or add the release by hand")
    old = str(data["default"])
    releases = data["releases"]
    if any(str(item["version"]) == version for item in releases):
        raise _refuse(file, f"release {version} is there already", "set `default` to it, or choose another")
    before = next(item for item in releases if str(item["version"]) == old)
    releases.insert(0, _release(before, old, version))
    releases.yaml_set_comment_before_after_key(1, before="\n")
    data["default"] = version
    return _dumped(yaml, data), old


def _release(before: Any, old: str, version: str) -> dict[str, Any]:
    images = {name: _image(image, old, version) for name, image in before["images"].items()}
    return {"version": version, "facts": f"{version}.json", "images": images}


def _image(image: Any, old: str, version: str) -> dict[str, Any]:
    """Take an image over; its tag is spelled after the pattern of the one before."""
    # a copy: YAML would write the same list as an alias
    made = {key: copy.deepcopy(image[key]) for key in image if key not in ("source", "unknown")}
    return {
        **made,
        "tag": str(image["tag"]).replace(old, version),
        "digest": None,
        "source": f"as of {old}, not read again: {_AS_OF.sub('', image['source'])}",
        "unknown": {**(image.get("unknown") or {}), "digest": _NO_DIGEST},
    }


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def _dumped(yaml: YAML, data: Any) -> str:
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def _refuse(file: str, message: str, hint: str) -> ProblemsFound:
    return ProblemsFound((Problem(Location(file), "", message, hint, "facts"),))
