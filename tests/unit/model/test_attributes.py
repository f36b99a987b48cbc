from __future__ import annotations

from sidecar.model.attributes import MISSING, VALUE_LIMIT_BYTES, Attribute, Attributes, Status

NOTHING = {"value": None, "status": "missing", "source": None}


def test_attributes_are_missing_until_they_are_found() -> None:
    assert Attributes().as_input() == {
        "data_version": NOTHING,
        "consent_scope": NOTHING,
        "groups": NOTHING,
        "explanation": {"required": False},
    }


def test_the_policy_sees_value_status_and_source() -> None:
    attributes = Attributes(
        data_version=Attribute(Status.PRESENT, "loans-2026-11-20", "header:X-Data-Version"),
        consent_scope=Attribute(Status.CONFLICT, source="header:X-Consent-Scope, parameter:consent_scope"),
        groups=Attribute(Status.PRESENT, ("a", "b"), "claim:group"),
        explanation_required=True,
    )
    assert attributes.as_input() == {
        "data_version": {
            "value": "loans-2026-11-20",
            "status": "present",
            "source": "header:X-Data-Version",
        },
        "consent_scope": {
            "value": None,
            "status": "conflict",
            "source": "header:X-Consent-Scope, parameter:consent_scope",
        },
        "groups": {"value": ("a", "b"), "status": "present", "source": "claim:group"},
        "explanation": {"required": True},
    }


def test_the_words_and_the_limit_are_the_contracts() -> None:
    assert [status.value for status in Status] == ["present", "missing", "conflict", "malformed", "truncated"]
    assert VALUE_LIMIT_BYTES == 256
    assert Attribute(Status.MISSING) == MISSING
