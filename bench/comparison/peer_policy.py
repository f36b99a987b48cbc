"""The peers' policy in a folder: Rego that judges what the shipped request guards judge, and the same data."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import workload

if TYPE_CHECKING:
    from bench.tokens import Tokens

HERE = Path(__file__).parent
CACHED_TOKENS = 16_384
"""More than the 10,000 that come back: OPA remembers no verified token unless told to."""


def write_policy(folder: Path, tokens: Tokens, *, claims: str) -> None:
    """`claims`: the Rego file that says where the token's claims come from."""
    folder.mkdir()
    text = (HERE / claims).read_text()
    for name, value in {
        "KEY_SET": json.dumps(tokens.key_set),
        "ISSUER": workload.ISSUER,
        "AUDIENCE": workload.AUDIENCE,
    }.items():
        text = text.replace(name, value)
    (folder / "claims.rego").write_text(text)
    (folder / "policy.rego").write_text((HERE / "policy.rego").read_text())
    (folder / "data.json").write_text(json.dumps(workload.data()))


def write_bundle(folder: Path, bundle: Path) -> None:
    """The folder as an OPA bundle."""
    with tarfile.open(bundle, "w:gz") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, file.name)


def opa_caching() -> dict[str, Any]:
    """The part of OPA's configuration that has it remember verified tokens."""
    return {"inter_query_builtin_value_cache": {"named": {"io_jwt": {"max_num_entries": CACHED_TOKENS}}}}
