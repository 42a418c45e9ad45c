"""The house is in order: made files are known as such, and nothing in the repository tells of one machine."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from generator import pipeline

ROOT = Path(__file__).parents[2]

SAYS_SO = re.compile(r"generated (?:by|from|with) ")
FIRST_LINES = 5
# made files in a form without comments, and why they are known all the same
WITHOUT_A_LINE = {
    r"charts/[^/]+/templates/NOTES\.txt": "printed to whoever installs the chart",
    r"generator/facts/.+\.json": "holds its provenance",
    r"generator/argocd/options\.json": "holds its source",
    r"requirements(-dev)?\.lock": "pip reads it",
    r"tools/[^/]+/go\.sum": "Go reads it",
}
# cases about bytes
ODD = ("tests/catalogs/",)


def git(*arguments: str, text: str | None = None) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, input=text, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Files that git holds and that are on disk."""
    return [name for name in git("ls-files").splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def made(tracked: list[str]) -> set[str]:
    """Files that .gitattributes marks as made."""
    said = git("check-attr", "--stdin", "linguist-generated", text="\n".join(tracked))
    rows = [line.rsplit(": ", 2) for line in said.splitlines()]
    return {name for name, _, value in rows if value == "set"}


def texts(names: list[str]) -> dict[str, str]:
    return {name: (ROOT / name).read_bytes().decode() for name in names if not name.startswith(ODD)}


def says_so(text: str) -> bool:
    return SAYS_SO.search("\n".join(text.splitlines()[:FIRST_LINES])) is not None


def test_every_made_file_says_so_in_its_first_lines(made: set[str]) -> None:
    silent = [name for name, text in texts(sorted(made)).items() if not says_so(text)]
    assert [name for name in silent if not any(re.fullmatch(p, name) for p in WITHOUT_A_LINE)] == []


def test_every_exception_is_needed(made: set[str]) -> None:
    for pattern in WITHOUT_A_LINE:
        assert any(re.fullmatch(pattern, name) for name in made), pattern


def test_no_other_file_says_that_it_is_made(tracked: list[str], made: set[str]) -> None:
    # golden files are made and yet read like code: a review must not fold them away
    rest = [name for name in tracked if name not in made and not name.startswith("tests/golden/")]
    data = [name for name in rest if name.endswith((".yaml", ".json", ".md", ".txt", ".tpl"))]
    assert [name for name, text in texts(data).items() if says_so(text)] == []


def test_no_hand_written_file_lies_in_a_folder_of_made_ones(root: Path) -> None:
    outcome = pipeline.run(pipeline.Options(root=root), lambda step: None)
    assert outcome.changes.stale == ()


def test_every_vendored_schema_is_in_the_record(tracked: list[str], root: Path) -> None:
    record = (root / "schemas" / "PROVENANCE.yaml").read_text()
    patterns = [line.partition("files: ")[2] for line in record.splitlines() if "files: " in line]
    vendored = [name for name in tracked if re.match(r"schemas/(kubernetes|crds)/", name)]
    assert vendored
    for name in vendored:
        assert any(Path(name).match(pattern) for pattern in patterns), name


def test_no_file_tells_where_it_was_written(tracked: list[str]) -> None:
    words = {str(ROOT), str(Path.home()), sys.prefix, sys.base_prefix, *_index_hosts()}
    name = socket.gethostname()
    words |= {name} if len(name) >= 8 and name != "localhost" else set()
    # one step below the root is an image's folder as well as a person's
    told = [word for word in sorted(words) if word.count("/") != 1]
    places = [re.compile(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])") for word in told]
    # somebody's home folder
    places.append(re.compile(r"/(?:Users|home)/(?!runner\b)[a-z]\w*/(?:src|work|git|projects|Documents)\b"))
    found = [
        f"{name}: {hit[0]}" for name, text in texts(tracked).items() for place in places for hit in place.finditer(text)
    ]
    assert found == []


def _index_hosts() -> set[str]:
    """Hosts of this machine's own package indexes, if it has any."""
    public = {"pypi.org", "files.pythonhosted.org", "proxy.golang.org", "sum.golang.org", "registry.npmjs.org"}
    told = [value for key, value in os.environ.items() if key.upper().endswith(("INDEX_URL", "GOPROXY", "REGISTRY"))]
    hosts = {urlsplit(url).hostname or "" for value in told for url in re.split(r"[,| ]", value)}
    return {host for host in hosts if "." in host} - public


def test_text_files_end_with_one_newline_and_hold_no_carriage_return(tracked: list[str]) -> None:
    bad = [
        name
        for name, text in texts(tracked).items()
        if text and (not text.endswith("\n") or text.endswith("\n\n") or "\r" in text)
    ]
    assert bad == []


def test_no_hand_written_line_ends_with_a_blank(tracked: list[str], made: set[str]) -> None:
    hand = [name for name in tracked if name not in made]
    assert [name for name, text in texts(hand).items() if re.search(r"[ \t]$", text, re.MULTILINE)] == []


def test_actions_are_pinned_by_commit_with_their_version(tracked: list[str]) -> None:
    pinned = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
    for name in tracked:
        if name.startswith(".github/workflows/"):
            uses = [line.strip() for line in (ROOT / name).read_text().splitlines() if "uses: " in line]
            assert uses and all(pinned.search(line) for line in uses), name


def test_an_owner_is_named_for_what_people_write() -> None:
    owners = (ROOT / ".github" / "CODEOWNERS").read_text()
    rows = [line.split() for line in owners.splitlines() if line and not line.startswith("#")]
    assert all(len(row) > 1 and all(owner.startswith("@") for owner in row[1:]) for row in rows)
    for pattern, *_ in rows:
        assert pattern == "*" or list(ROOT.glob(pattern.strip("/"))), pattern
