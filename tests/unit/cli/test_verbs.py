"""Verbs of a package that is made here: which of its files a call loads, and what help says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from sidecar.cli.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = "verbs_for_a_test"
FILE = """
import click

@click.command("{verb}")
@click.argument("word")
def command(word: str) -> None:
    "The help of {verb} itself."
    click.echo("{verb} " + word)
"""


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Verbs]:
    """`second` before `first`; a file of the package that is no verb beside them."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").touch()
    for verb in ("first", "second", "helpers"):
        (folder / f"{verb}.py").write_text(FILE.format(verb=verb))
    monkeypatch.syspath_prepend(tmp_path)
    yield Verbs("tool", package=PACKAGE, verbs={"second": "Does the second.", "first": "Does the first."})
    for name in loaded():
        del sys.modules[name]


def loaded() -> set[str]:
    return {name for name in sys.modules if name.split(".")[0] == PACKAGE}


def test_help_tells_the_verbs_in_their_order_and_loads_none(group: Verbs) -> None:
    shown = CliRunner().invoke(group, ["--help"])
    commands = shown.output.partition("Commands:\n")[2].splitlines()
    assert commands == ["  second  Does the second.", "  first   Does the first."]
    assert group.list_commands(click.Context(group)) == ["second", "first"]
    assert loaded() == set()


def test_a_call_loads_its_own_file_only(group: Verbs) -> None:
    assert CliRunner().invoke(group, ["first", "word"]).output == "first word\n"
    assert loaded() == {PACKAGE, f"{PACKAGE}.first"}


@pytest.mark.parametrize(("verb", "file"), [("look-up", "look_up"), ("import", "import_")])
def test_a_verb_that_no_file_can_be_named_like_has_one_all_the_same(
    group: Verbs, tmp_path: Path, verb: str, file: str
) -> None:
    (tmp_path / PACKAGE / f"{file}.py").write_text(FILE.format(verb=verb))
    told = Verbs("tool", package=PACKAGE, verbs={verb: "Does it."})
    assert CliRunner().invoke(told, [verb, "word"]).output == f"{verb} word\n"
    assert CliRunner().invoke(told, [file, "word"]).exit_code == 2
    assert group.get_command(click.Context(group), verb) is None


@pytest.mark.parametrize("unknown", ["third", "helpers"])
def test_what_is_not_listed_is_no_verb(group: Verbs, unknown: str) -> None:
    shown = CliRunner().invoke(group, [unknown])
    assert (shown.exit_code, loaded()) == (2, set())
    assert f"No such command '{unknown}'" in shown.output
