"""Writes the playground. See scripts/playground."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from sidecar.consent.pseudonym import load_pseudonyms
from sidecar.registry.access.callers import Role
from sidecar.registry.access.token_file import made

ISSUER, AUDIENCE = "https://consent.example", "credit"
DAY_S = 86_400
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

HEADERS = {
    "Content-Type": "application/json",
    "X-Data-Version": "fresh",
    "X-Consent-Scope": "credit_scoring",
    "X-Protected-Group": "a",
}
BODIES = {
    "mlserver": {"inputs": [{"name": "forced_score", "shape": [1], "datatype": "FP64", "data": [0.5]}]},
    "mlserver-out-of-band": {"inputs": [{"name": "forced_score", "shape": [1], "datatype": "FP64", "data": [0.9]}]},
    "torchserve": {"forced_score": 0.5},
    "torchserve-out-of-band": {"forced_score": 0.9},
}
TORCHSERVE_READ = {"score": "pointer:/score", "label": "pointer:/label"}
CALLERS = {"admin": Role.ADMIN, "engine": Role.ENGINE, "engineer": Role.ENGINEER, "steward": Role.STEWARD}
"""Whose tokens a registry here knows. The admin is a person."""


def policy_data(now_s: int, **read: str) -> dict[str, Any]:
    """The shipped example with today's dates, and the fairness band enforced, to see it refuse."""
    data: dict[str, Any] = json.loads((EXAMPLES / "data.json").read_text())
    credit = data["models"]["credit"]
    credit["rules"]["fairness_band"] = "enforce"
    credit["read"] |= read
    dataset = {"consent_scopes": ["credit_scoring"], "parents": []}
    data["datasets"] = {
        "fresh": {"created_unix_s": now_s - DAY_S, **dataset},
        "stale": {"created_unix_s": now_s - 80 * DAY_S, **dataset},
    }
    return data


def registry_files(folder: Path) -> None:
    """What a registry, its callers and whoever signs policies need. Made once: something may run by it."""
    load_pseudonyms(folder / "audit.subject-key")
    if (folder / "tokens.yaml").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    secret(folder / "policy.pem", private_pem(key))
    (folder / "policy.pub").write_bytes(public_pem(key))
    lines: list[str] = []
    for name, role in CALLERS.items():
        token, line = made(name, [role], person=role is Role.ADMIN)
        lines.append(line)
        secret(folder / f"{name}.token", f"{token}\n".encode())
        secret(folder / name, f"Authorization: Bearer {token}\nContent-Type: application/json\n".encode())
    secret(folder / "tokens.yaml", "".join(lines).encode())


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def secret(path: Path, content: bytes) -> None:
    """Only its owner can read it."""
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)


def main(folder: Path) -> None:
    """Writes all files, and says which."""
    folder.mkdir(parents=True, exist_ok=True)
    registry_files(folder)
    now_s = int(time.time())
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "playground", "use": "sig", "alg": "ES256"}

    def token(life_s: int = DAY_S, scope: str = "credit_scoring") -> str:
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "jti": "1", "exp": now_s + life_s, "scope": scope}
        return jwt.encode(claims, key, "ES256", headers={"kid": "playground"})

    good = {**HEADERS, "X-Consent-Token": token()}
    headers = {
        "good": good,
        "stale": {**good, "X-Data-Version": "stale"},
        "unknown": {**good, "X-Data-Version": "unheard-of"},
        "no-version": {name: value for name, value in good.items() if name != "X-Data-Version"},
        "no-token": HEADERS,
        "expired": {**HEADERS, "X-Consent-Token": token(life_s=-DAY_S)},
        "marketing": {**HEADERS, "X-Consent-Token": token(scope="marketing")},
    }
    files = {name: "".join(f"{n}: {v}\n" for n, v in fields.items()) for name, fields in headers.items()}
    files |= {f"{name}.json": json.dumps(body) for name, body in BODIES.items()}
    files["jwks.json"] = json.dumps({"keys": [jwk]})
    files["mlserver-data.json"] = json.dumps(policy_data(now_s), indent=2)
    files["torchserve-data.json"] = json.dumps(policy_data(now_s, **TORCHSERVE_READ), indent=2)
    for name, text in files.items():
        (folder / name).write_text(text)
    print(f"{folder}/: headers {', '.join(headers)}; bodies, key set and data beside them")
    print(f"{folder}/: for a registry, headers and tokens of {', '.join(CALLERS)}; the key that signs policies")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
