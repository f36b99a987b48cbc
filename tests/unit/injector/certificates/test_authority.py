from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1

from sidecar.injector.certificates.authority import (
    AUTHORITY_LIFE,
    BACKDATED,
    LEAF_LIFE,
    SUCCESSION_LIMIT,
    founded,
    is_due,
    leaf,
    names_of,
    succeeded,
)
from tests.unit.injector.certificates.clients import NOW

DAY = timedelta(days=1)
NAMES = ("injector.policy.svc", "injector")


def test_an_authority_signs_certificates_and_nothing_else() -> None:
    certificate = founded("policy", NOW).issued.certificate
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.digital_signature) == (True, True, False)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.not_valid_before_utc == NOW - BACKDATED
    assert certificate.not_valid_after_utc == NOW + AUTHORITY_LIFE
    certificate.verify_directly_issued_by(certificate)


def test_a_leaf_serves_its_names_and_nothing_else() -> None:
    authority = founded("policy", NOW)
    issued = leaf(authority, NAMES, NOW)
    certificate = issued.certificate
    certificate.verify_directly_issued_by(authority.issued.certificate)
    assert names_of(certificate) == NAMES
    assert isinstance(issued.key.curve, SECP256R1)
    assert certificate.public_key() == issued.key.public_key()
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [x509.ExtendedKeyUsageOID.SERVER_AUTH]
    assert certificate.not_valid_after_utc == NOW + LEAF_LIFE


def test_a_leaf_does_not_outlive_its_authority() -> None:
    authority = founded("policy", NOW)
    end = authority.issued.certificate.not_valid_after_utc
    assert leaf(authority, NAMES, end - DAY).certificate.not_valid_after_utc == end


def test_a_long_name_fits() -> None:
    names = (f"{'s' * 63}.{'n' * 63}.svc",)
    assert names_of(leaf(founded("r" * 53, NOW), names, NOW).certificate) == names


def test_a_certificate_without_names_has_none() -> None:
    assert names_of(founded("policy", NOW).issued.certificate) == ()


def test_a_successor_is_certified_by_the_one_before() -> None:
    old = founded("policy", NOW)
    new = succeeded(old, "policy", NOW + DAY)
    [cross] = new.crosses
    cross.verify_directly_issued_by(old.issued.certificate)
    assert cross.public_key() == new.issued.key.public_key()
    assert cross.subject == new.issued.certificate.subject != old.issued.certificate.subject
    assert cross.not_valid_after_utc == old.issued.certificate.not_valid_after_utc
    assert new.trusted(NOW + DAY) == (new.issued.certificate, old.issued.certificate)


def test_the_old_one_is_trusted_until_no_leaf_of_its_can_be_alive() -> None:
    old = founded("policy", NOW)
    new = succeeded(old, "policy", NOW)
    second = timedelta(seconds=1)
    assert len(new.trusted(NOW + LEAF_LIFE - second)) == 2
    assert new.trusted(NOW + LEAF_LIFE) == (new.issued.certificate,)
    assert new.chain(NOW + LEAF_LIFE) == new.crosses  # for pods that trust the old one only


def test_a_dead_authority_has_no_say_in_its_succession() -> None:
    old = founded("policy", NOW)
    new = succeeded(old, "policy", NOW + AUTHORITY_LIFE)
    assert (new.previous, new.crosses) == ((), ())


def test_a_succession_is_bounded() -> None:
    authority = founded("policy", NOW)
    for _ in range(SUCCESSION_LIMIT + 3):
        authority = succeeded(authority, "policy", NOW)
    assert (len(authority.previous), len(authority.crosses)) == (SUCCESSION_LIMIT, SUCCESSION_LIMIT)


def test_due_is_a_share_of_a_life() -> None:
    certificate = leaf(founded("policy", NOW), NAMES, NOW).certificate
    due = NOW - BACKDATED + (LEAF_LIFE + BACKDATED) / 2
    assert not is_due(certificate, 1 / 2, due - timedelta(seconds=1))
    assert is_due(certificate, 1 / 2, due)
