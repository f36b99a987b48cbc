from __future__ import annotations

import pytest

from sidecar.injector import names
from sidecar.injector.asked import Asked, read_asked
from tests.unit.injector.pods import CONFIG, config

NOTHING = Asked(None, None, None, None, None, None, None)


def asked(annotations: dict[str, str], **changed: object) -> tuple[Asked, list[str]]:
    problems: list[str] = []
    return read_asked(annotations, config(**changed), problems), problems


def test_nothing_is_asked_by_annotations_of_others() -> None:
    assert asked({"prometheus.io/port": "8002", names.STATE: "{}"}) == (NOTHING, [])


def test_all_that_may_be_asked() -> None:
    annotations = {
        names.CONTAINER: "triton",
        names.SERVER: "triton",
        names.PORT: "http-alt",
        names.DEFAULT_MODEL: "team/credit",
        names.UPSTREAM_TIMEOUT_S: "120",
        names.METADATA: "allow",
        names.MODE: "shadow",
    }
    everything = Asked("triton", "triton", "http-alt", "team/credit", 120, "allow", "shadow")
    assert asked(annotations, allow_shadow=True, allow_metadata=True) == (everything, [])


@pytest.mark.parametrize("word", ["shadow", "enforce"])
def test_what_the_operator_set_for_all_may_be_asked(word: str) -> None:
    settings = {**CONFIG.settings, "mode": "shadow"}
    assert asked({names.MODE: word}, settings=settings)[0].mode == word


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (names.MODE, "shadow", "shadow is not allowed here; remove it, or ask for allow_shadow"),
        (names.METADATA, "allow", "allow is not allowed here; remove it, or ask for allow_metadata"),
        (names.MODE, "off", "'off' is none of enforce, shadow; write one of them"),
        (names.SERVER, "nginx", "'nginx' is none of triton, torchserve, kserve, mlserver, tfserving, openai; "),
        (names.PORT, "0", "0 is no port; write the one that the model listens on"),
        (names.PORT, "99999", "99999 is no port; write the one that the model listens on"),
        (names.PORT, "a b", "'a b' is not a port's number or name; correct it, or remove it"),
        (names.CONTAINER, "Triton\n", r"'Triton\n' is not the name of a container; correct it, or remove it"),
        (names.DEFAULT_MODEL, "--mode=shadow", "'--mode=shadow' is not the name of a model; correct it, or remove it"),
        (names.UPSTREAM_TIMEOUT_S, "301", "301 is not within 1 to 300 seconds; ask for less, or the operator"),
        (names.UPSTREAM_TIMEOUT_S, "0", "0 is not within 1 to 300 seconds; ask for less, or the operator"),
        (names.UPSTREAM_TIMEOUT_S, "1e9", "'1e9' is not a number of seconds; correct it, or remove it"),
    ],
)
def test_what_may_not_be_asked(name: str, value: str, problem: str) -> None:
    found, [told] = asked({name: value})
    assert found == NOTHING
    assert told.startswith(f"annotation {name}: {problem}")


def test_an_unknown_annotation_of_ours_is_told_with_those_that_are_known() -> None:
    _, [told] = asked({names.PREFIX + "image": "evil"})
    assert told == (
        "annotation 'model-policy-sidecar.io/image' is unknown; remove it, or write one of " + ", ".join(names.ASKED)
    )
