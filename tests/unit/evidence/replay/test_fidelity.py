from __future__ import annotations

from typing import Any

import orjson
import pytest

from sidecar.audit.salts import Salt
from sidecar.evidence.replay.fidelity import obstacle, restored
from sidecar.evidence.replay.reads import ADDRESS, EXPLANATION, FEATURES, HAS_EXPLANATION, SUBJECT, TOKEN_ID
from sidecar.evidence.replay.rows import Place, Row, Skipped, Why
from tests.unit.evidence.replay.written import LOG

SALT = Salt("2026-11-21", b"s" * 32)
PLACE = Place(LOG, 7, "d", "response", "credit", "a")


def digest(value: object) -> str:
    return SALT.digest(orjson.dumps(value))


def asked(**prediction: object) -> dict[str, Any]:
    return {
        "source": {"address": "10.1.2.0/24"},
        "consent": {"subject": "5b", "token_id": None},
        "prediction": {"features": None, "explanation": None} | prediction,
    }


def hindrance(
    shape: dict[str, Any], *reads: tuple[str, ...], salt: Salt | None = SALT, registers: bool = False
) -> tuple[Why, str] | None:
    found = obstacle(Row(PLACE, shape, {}, "r", None, None), shape, reads, salt, registers=registers)
    assert found is None or found == Skipped(PLACE, found.why, found.detail)
    return None if found is None else (found.why, found.detail)


@pytest.mark.parametrize("value", [False, "", [], {}])
def test_an_empty_explanation_is_told_from_its_digest(value: object) -> None:
    recorded = asked(explanation=digest(value))
    assert restored(recorded, SALT) == asked(explanation=value)
    assert recorded == asked(explanation=digest(value))


@pytest.mark.parametrize(
    ("shape", "salt"),
    [
        (asked(explanation=digest(["because"])), SALT),
        (asked(), SALT),
        (asked(explanation=digest("")), None),
        ({"source": None}, SALT),
    ],
)
def test_whatever_else_is_recorded_stays(shape: dict[str, Any], salt: Salt | None) -> None:
    assert restored(shape, salt) == shape


@pytest.mark.parametrize(
    ("reads", "shape", "expected"),
    [
        (ADDRESS, asked(), (Why.VALUE_NOT_RECORDED, "source.address")),
        (ADDRESS, asked() | {"source": {"address": None}}, None),
        (ADDRESS, asked() | {"source": None}, None),
        (FEATURES, asked(features="0f"), (Why.VALUE_NOT_RECORDED, "prediction.features")),
        (FEATURES, asked(), None),
        (EXPLANATION, asked(explanation="0f"), (Why.VALUE_NOT_RECORDED, "prediction.explanation")),
        (EXPLANATION, asked(explanation=[]), None),
        (EXPLANATION, asked(), None),
        (HAS_EXPLANATION, asked(explanation="0f"), None),
    ],
)
def test_values_of_which_only_a_part_is_recorded(
    reads: tuple[str, ...], shape: dict[str, Any], expected: tuple[Why, str] | None
) -> None:
    assert hindrance(shape, reads) == expected
    assert hindrance(shape) is None


def test_without_the_salt_nobody_knows_whether_an_explanation_was_empty() -> None:
    assert hindrance(asked(explanation="0f"), HAS_EXPLANATION, salt=None) == (
        Why.SALT_DELETED,
        "prediction.explanation",
    )
    assert hindrance(asked(), HAS_EXPLANATION, salt=None) is None


@pytest.mark.parametrize(
    ("reads", "salt", "registers", "expected"),
    [
        (SUBJECT, None, True, (Why.SALT_DELETED, "consent.subject")),
        (TOKEN_ID, None, True, None),  # the call had none
        (SUBJECT, None, False, None),
        (SUBJECT, SALT, True, None),
        (FEATURES, None, True, None),
    ],
)
def test_without_the_salt_nobody_is_found_in_a_register(
    reads: tuple[str, ...], salt: Salt | None, registers: bool, expected: tuple[Why, str] | None
) -> None:
    assert hindrance(asked(), reads, salt=salt, registers=registers) == expected
