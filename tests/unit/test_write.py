"""The output tree against the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.write import PART, Changes, apply, compare


def files(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()}


def put(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_new_changed_and_stale_files_are_told_apart(tmp_path: Path) -> None:
    put(tmp_path, made__a="1", made__b="1", made__c="1", mine__d="1")
    changes = compare(tmp_path, {"made/a": "1", "made/b": "2", "made/e": "1"}, ["made"])
    assert changes == Changes(new=("made/e",), changed=("made/b",), stale=("made/c",))


def test_what_is_outside_the_owned_folders_is_left_alone(tmp_path: Path) -> None:
    put(tmp_path, made__a="1", mine__b="1")
    changes = compare(tmp_path, {}, ["made"])
    apply(tmp_path, {}, changes)
    assert files(tmp_path) == {"mine/b": "1"}


def test_an_owned_file_is_stale_as_well_as_a_folder(tmp_path: Path) -> None:
    put(tmp_path, values__a="1", values__b="1")
    assert compare(tmp_path, {}, ["values/a"]).stale == ("values/a",)


def test_a_folder_that_is_owned_twice_is_counted_once(tmp_path: Path) -> None:
    put(tmp_path, made__a="1")
    assert compare(tmp_path, {}, ["made", "made"]).stale == ("made/a",)


def test_the_disk_becomes_the_tree(tmp_path: Path) -> None:
    put(tmp_path, made__a="1", made__old__b="1")
    tree = {"made/a": "2", "made/new/c": "x\n"}
    apply(tmp_path, tree, compare(tmp_path, tree, ["made"]))
    assert files(tmp_path) == tree
    assert not compare(tmp_path, tree, ["made"]).any


def test_folders_that_became_empty_are_gone(tmp_path: Path) -> None:
    put(tmp_path, made__x__y__a="1")
    apply(tmp_path, {}, compare(tmp_path, {}, ["made"]))
    assert not (tmp_path / "made").exists() and tmp_path.exists()


def test_a_file_where_a_folder_must_be_makes_room(tmp_path: Path) -> None:
    put(tmp_path, made="a file")
    tree = {"made/a": "1"}
    apply(tmp_path, tree, compare(tmp_path, tree, ["made"]))
    assert files(tmp_path) == tree


def test_a_folder_where_a_file_must_be_makes_room(tmp_path: Path) -> None:
    put(tmp_path, made__a__old="1")
    tree = {"made/a": "1"}
    apply(tmp_path, tree, compare(tmp_path, tree, ["made"]))
    assert files(tmp_path) == tree


def test_line_ends_and_characters_are_written_as_they_are(tmp_path: Path) -> None:
    tree = {"a": "é😀\n", "b": "x\r\n"}
    apply(tmp_path, tree, compare(tmp_path, tree, []))
    assert (tmp_path / "a").read_bytes() == "é😀\n".encode() and (tmp_path / "b").read_bytes() == b"x\r\n"


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, made__a="old")

    def stop(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        apply(tmp_path, {"made/a": "new"}, Changes((), ("made/a",), ()))
    assert (tmp_path / "made/a").read_text() == "old"


def test_what_a_killed_run_left_half_written_is_stale(tmp_path: Path) -> None:
    put(tmp_path, **{"made__a" + PART: "ha"})
    assert compare(tmp_path, {"made/a": "half"}, ["made"]).stale == (f"made/a{PART}",)


def test_what_a_killed_run_left_beside_a_file_is_stale_wherever_it_lies(tmp_path: Path) -> None:
    put(tmp_path, schemas__a="1", **{"schemas__a" + PART: "ha", "schemas__b" + PART: "of somebody else"})
    assert compare(tmp_path, {"schemas/a": "1"}, []).stale == (f"schemas/a{PART}",)


def test_a_link_that_leads_nowhere_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "link").symlink_to("nowhere")
    apply(tmp_path, {}, compare(tmp_path, {}, ["made"]))
    assert not (tmp_path / "made").exists()


def test_a_link_to_a_folder_elsewhere_is_deleted_and_the_folder_is_not(tmp_path: Path) -> None:
    put(tmp_path, mine__a="1", made__b="1")
    (tmp_path / "made" / "link").symlink_to(tmp_path / "mine")
    tree = {"made/b": "1"}
    apply(tmp_path, tree, compare(tmp_path, tree, ["made"]))
    assert files(tmp_path) == {"made/b": "1", "mine/a": "1"} and not (tmp_path / "made" / "link").exists()


def test_a_tree_that_is_there_already_touches_nothing(tmp_path: Path) -> None:
    put(tmp_path, made__a="1")
    before = (tmp_path / "made/a").stat().st_mtime_ns
    apply(tmp_path, {"made/a": "1"}, compare(tmp_path, {"made/a": "1"}, ["made"]))
    assert (tmp_path / "made/a").stat().st_mtime_ns == before
