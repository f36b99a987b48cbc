from __future__ import annotations

from sidecar.model.consent import ConsentFact, ConsentStatus


def test_the_policy_sees_the_token_but_neither_its_groups_nor_why_it_failed() -> None:
    fact = ConsentFact(
        ConsentStatus.VALID,
        issuer="https://issuer.example",
        subject="ab" * 32,
        token_id="cd" * 32,
        scopes=("credit_scoring", "research"),
        expires_unix_s=1_795_303_600.0,
        data_version="loans-2026-11-20",
        groups=("a",),
        detail="for the operator",
    )
    assert fact.as_input() == {
        "status": "valid",
        "issuer": "https://issuer.example",
        "subject": "ab" * 32,
        "token_id": "cd" * 32,
        "scopes": ("credit_scoring", "research"),
        "expires_unix_s": 1_795_303_600.0,
        "data_version": "loans-2026-11-20",
    }


def test_nothing_is_known_of_a_token_that_is_not_valid() -> None:
    assert ConsentFact(ConsentStatus.EXPIRED).as_input() == {
        "status": "expired",
        "issuer": None,
        "subject": None,
        "token_id": None,
        "scopes": (),
        "expires_unix_s": None,
        "data_version": None,
    }


def test_the_words_are_the_contracts() -> None:
    assert [status.value for status in ConsentStatus] == ["valid", "missing", "invalid", "expired", "off"]
