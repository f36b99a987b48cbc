from __future__ import annotations

from typing import Any

import pytest

from sidecar.injector.servers.command import Command


def command(*words: str, **container: Any) -> Command:
    return Command({"name": "c", "args": list(words), **container})


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nvcr.io/nvidia/tritonserver:26.07-py3", "nvidia/tritonserver"),
        ("localhost:5000/a/b/c:1@sha256:00", "a/b/c"),
        ("localhost/a", "a"),
        ("mlserver", "mlserver"),
        ("seldonio/mlserver:1", "seldonio/mlserver"),
        (None, ""),
    ],
)
def test_an_images_name(image: str | None, name: str) -> None:
    assert Command({"name": "c", "image": image}).image == name


def test_the_last_flag_of_a_name_counts() -> None:
    given = command("--port=1", "--port", "2", "--other", "3", "--end")
    assert (given.flag("--port"), given.flag("--other"), given.flag("--end"), given.flag("--none")) == (
        "2",
        "3",
        "",
        None,
    )
    assert (given.says("--port=2"), given.says("--port=1")) == (True, False)


def test_a_script_is_read_for_its_words() -> None:
    given = command("-c", 'exec serve --port "80 80" # "open', command=["/bin/bash"])
    assert given.is_shell
    assert given.flag("--port") == '"80'  # the quote is never closed: split at spaces
    assert command("-c", 'serve --port "80 80"', command=["sh"]).flag("--port") == "80 80"
    assert not command("serve", "--sh").is_shell


def test_abbreviated_flags_are_seen() -> None:
    assert command("--allow-sage=true").has_flag("--allow-s")
    assert not command("--allow-http=true").has_flag("--allow-s")


def test_the_last_variable_of_a_name_counts() -> None:
    given = command(
        env=[
            {"name": "A", "value": "1"},
            {"name": "B", "value": "2"},
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ]
    )
    assert (given.variable("A"), given.is_indirect("A")) == (None, True)
    assert (given.variable("B"), given.is_indirect("B")) == ("2", False)
    assert (given.variable("C"), given.is_indirect("C")) == (None, False)
