"""What we sign, OPA verifies, and what OPA signs, we do: never only ours against ours."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.bundles.archive import DATA, MANIFEST, SIGNATURES, read, write
from sidecar.bundles.canonical import canonical
from sidecar.bundles.invalid import BundleInvalid, KeyInvalid
from sidecar.bundles.manifest import Manifest
from sidecar.bundles.signing import SigningKey, VerifyingKey
from tests.budgets import examples
from tests.policies import opa_binary

EXAMPLES = settings(max_examples=examples(40))  # each starts an OPA
SCOPE = "policy"

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)
COMMENTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
MANIFESTS = st.builds(Manifest, TEXT, sequence=st.integers(0, 2**53), created_unix_s=st.floats(0, 4e9))


def private_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signed(files: dict[str, bytes], key: PrivateKey = EC, scope: str = SCOPE) -> dict[str, bytes]:
    return files | {SIGNATURES: SigningKey(private_pem(key), "k").sign(files, scope)}


def bundle(value: object = 1, comment: str = "", manifest: Manifest | None = None) -> dict[str, bytes]:
    return {
        MANIFEST: (manifest or Manifest("r1")).as_bytes(),
        DATA: canonical({"value": value}),
        "guards/x.rego": f"package guards.x\n# {comment}\n".encode(),
    }


def judged_by_opa(files: dict[str, bytes], key: PrivateKey = EC, scope: str = SCOPE) -> str:
    """What OPA says against it; empty where it takes the bundle."""
    with tempfile.TemporaryDirectory() as folder:
        path, pem = Path(folder, "bundle.tar.gz"), Path(folder, "key.pem")
        path.write_bytes(write(files))
        pem.write_bytes(public_pem(key))
        algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        command = [
            *(str(opa_binary()), "build", "--bundle", str(path), "--output", str(Path(folder, "taken.tar.gz"))),
            *("--verification-key", str(pem), "--signing-alg", algorithm, "--scope", scope),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    assert (done.returncode == 0) is (told == ""), told
    return told


def by_opa(verb: str, root: Path, key: PrivateKey, *options: str) -> None:
    """`opa sign` or `opa build` in a folder, whose paths then have no prefix."""
    keys = root.parent
    (keys / "key.pem").write_bytes(private_pem(key))
    (keys / "claims.json").write_text(json.dumps({"scope": SCOPE}))
    algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
    command = [
        *(str(opa_binary()), verb, "--bundle", ".", "--signing-key", str(keys / "key.pem")),
        *("--signing-alg", algorithm, "--claims-file", str(keys / "claims.json"), *options),
    ]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def laid_out(files: dict[str, bytes], root: Path) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def signed_by_opa(files: dict[str, bytes], key: PrivateKey) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        by_opa("sign", laid_out(files, Path(folder, "bundle")), key, "--output-file-path", folder)
        return files | {SIGNATURES: Path(folder, SIGNATURES).read_bytes()}


@EXAMPLES
@given(VALUES, COMMENTS, MANIFESTS, st.sampled_from([EC, RSA]))
def test_opa_verifies_what_we_sign(value: object, comment: str, manifest: Manifest, key: PrivateKey) -> None:
    assert judged_by_opa(signed(bundle(value, comment, manifest), key), key) == ""


@EXAMPLES
@given(VALUES, COMMENTS, st.sampled_from([EC, RSA]), st.sampled_from([None, 2]))
def test_we_verify_what_opa_signs_however_its_json_is_written(
    value: object, comment: str, key: PrivateKey, indent: int | None
) -> None:
    """Python writes numbers otherwise than we do (`1e+300`), with any indent and any order of keys."""
    files = bundle(None, comment) | {DATA: json.dumps({"z": value, "a": value}, indent=indent).encode()}
    VerifyingKey(public_pem(key)).verify(read(write(signed_by_opa(files, key))), SCOPE)


@EXAMPLES
@given(
    st.sampled_from([MANIFEST, DATA, "guards/x.rego"]), st.sampled_from(["changed", "lost", "added", "scope", "key"])
)
def test_both_refuse_what_was_changed_since(path: str, change: str) -> None:
    files, scope, key = signed(bundle()), SCOPE, EC
    if change == "changed":
        other = bundle(2, "other", Manifest("r2"))
        files[path] = other[path]
    elif change == "lost":
        del files[path]
    elif change == "added":
        files["guards/y.rego"] = b"package guards.y\n"
    elif change == "scope":
        scope = "data"
    else:
        key = ec.generate_private_key(ec.SECP256R1())
    assert judged_by_opa(files, key, scope) != ""
    with pytest.raises(BundleInvalid):
        VerifyingKey(public_pem(key)).verify(files, scope)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (bundle(), "it is not signed"),
        (bundle() | {SIGNATURES: b'{"signatures": []}'}, "does not verify"),
        (bundle() | {SIGNATURES: b"[]"}, "does not verify"),
        (bundle() | {SIGNATURES: b'{"signatures": ["e30.e30."]}'}, "does not verify"),
        (signed(bundle(), RSA), "does not verify"),
        (signed(bundle(), scope="data"), "signed for scope 'data', not 'policy'"),
        (signed(bundle()) | {DATA: b"{}"}, r"data\.json: is not what was signed"),
        (signed(bundle()) | {DATA: b"{"}, r"data\.json: is no JSON"),
        (signed(bundle()) | {DATA: b'{"a": NaN}'}, r"data\.json: is no JSON"),
        (signed(bundle()) | {"more": b""}, "names other files"),
    ],
)
def test_it_says_why_it_does_not_believe(files: dict[str, bytes], problem: str) -> None:
    with pytest.raises(BundleInvalid, match=problem):
        VerifyingKey(public_pem(EC)).verify(files, SCOPE)


def test_a_weaker_hash_does_not_count() -> None:
    import jwt

    claims = {"scope": SCOPE, "files": [{"name": DATA, "hash": "0" * 32, "algorithm": "MD5"}]}
    files = {DATA: b"{}", SIGNATURES: orjson.dumps({"signatures": [jwt.encode(claims, EC, algorithm="ES256")]})}
    with pytest.raises(BundleInvalid, match="not over SHA-256"):
        VerifyingKey(public_pem(EC)).verify(files, SCOPE)


def test_the_same_json_in_other_words_is_the_same() -> None:
    files = signed(bundle({"a": 1, "b": [1.0, "é\u2028"]}))
    files[DATA] = b'{\n "value": {"b": [1.0, "\\u00e9\\u2028"], "a": 1}}'
    VerifyingKey(public_pem(EC)).verify(files, SCOPE)
    assert judged_by_opa(files) == ""


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 1024),
    ],
    ids=["P-384", "Ed25519", "RSA 1024"],
)
def test_keys_that_opa_would_not_verify_with_are_refused(key: PrivateKey) -> None:
    with pytest.raises(KeyInvalid, match=r"P-256 or RSA|2048 bits"):
        SigningKey(private_pem(key), "k")
    with pytest.raises(KeyInvalid, match=r"P-256 or RSA|2048 bits"):
        VerifyingKey(public_pem(key))


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"no key",
        public_pem(EC),
        EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
    ],
    ids=["nothing", "text", "public", "encrypted"],
)
def test_what_is_no_private_key_is_refused(pem: bytes) -> None:
    with pytest.raises(KeyInvalid, match="no private key in PEM"):
        SigningKey(pem, "k")


@pytest.mark.parametrize("pem", [b"", "Schlüssel".encode(), private_pem(EC)], ids=["nothing", "text", "private"])
def test_what_is_no_public_key_is_refused(pem: bytes) -> None:
    with pytest.raises(KeyInvalid, match="no public key in PEM"):
        VerifyingKey(pem)


def test_a_signature_names_its_algorithm_and_key() -> None:
    import jwt

    for key, algorithm in ((EC, "ES256"), (RSA, "RS256")):
        [token] = orjson.loads(signed(bundle(), key)[SIGNATURES])["signatures"]
        assert jwt.get_unverified_header(token) == {"alg": algorithm, "kid": "k", "typ": "JWT"}
