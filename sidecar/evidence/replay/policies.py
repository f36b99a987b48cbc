"""The policies that a replay asks: those kept at their activation, or one candidate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, cast

import orjson

from sidecar.audit.policies import read_kept
from sidecar.evidence.replay.pseudonyms import has_entries, under_salt
from sidecar.evidence.replay.reads import PolicyReads
from sidecar.evidence.replay.rows import Row, Skipped, Why
from sidecar.policy.archive import read_archive
from sidecar.policy.bundle import Bundle, build, content_revision
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.audit.salts import Salt
    from sidecar.evidence.replay.reads import InputPath
    from sidecar.evidence.replay.rows import Json

POLICIES_IN_MEMORY = 4


@dataclass(frozen=True, slots=True)
class PolicyUsed:
    """One policy with what is known of it beforehand. `registers`: whether its data names persons or tokens.

    `content`: the hash of rules and data. A revision does not tell a candidate from its base: both may be built from
    one commit, with other files.
    """

    bundle: Bundle
    data: Json
    reads: PolicyReads
    registers: bool
    content: str

    @classmethod
    def of(cls, bundle: Bundle) -> PolicyUsed:
        """With its data decoded."""
        data = cast("Json", orjson.loads(bundle.data_json))
        content = content_revision(bundle.modules, bundle.data_json)
        return cls(bundle, data, PolicyReads(bundle.modules), has_entries(data), content)

    def reads_of(self, model: str, phase: str) -> frozenset[InputPath]:
        """Which of the values that a record has only in part the policy may read for a model."""
        return self.reads.of(self._facts_of(model).get("rules"), phase)

    def fallbacks_of(self, model: str, phase: str) -> tuple[frozenset[str], frozenset[InputPath]]:
        """The guards for which fallbacks are computed, and which such values those are computed from."""
        return self.reads.of_fallbacks(self._facts_of(model).get("mitigation"), phase)

    def _facts_of(self, model: str) -> Json:
        facts = cast("Json", self.data.get("models", {})).get(model)
        return cast("Json", facts) if isinstance(facts, dict) else {}

    def under(self, salt: Salt | None) -> Bundle:
        """The bundle for one period's records. Its revision stays: decisions carry it."""
        if salt is None or not self.registers:
            return self.bundle
        data_json = orjson.dumps(under_salt(self.data, salt))
        return Bundle(self.bundle.revision, self.bundle.modules, data_json, self.bundle.absent)


class Policies(Protocol):
    """Which policy judges a row."""

    @property
    def candidate(self) -> str | None:
        """The revision of the one candidate; None where each row has the policy that decided it."""
        ...

    @property
    def base(self) -> PolicyUsed | None:
        """The policy whose decisions are compared with; None: those on record are."""
        ...

    def of(self, row: Row) -> PolicyUsed | Skipped:
        """The row's policy, or why there is none."""
        ...


class Candidate:
    """One policy for every row, and perhaps another to compare with."""

    def __init__(self, bundle: Bundle, base: Bundle | None = None) -> None:
        self.candidate: str | None = bundle.revision
        self.base = None if base is None else PolicyUsed.of(base)
        self._policy = PolicyUsed.of(bundle)

    def of(self, row: Row) -> PolicyUsed | Skipped:
        """The candidate."""
        del row
        return self._policy


class Recorded:
    """The policies that decided, from the folder where the sidecar kept them."""

    candidate: str | None = None
    base: PolicyUsed | None = None

    def __init__(self, audit_dir: Path) -> None:
        self._audit_dir = audit_dir
        self._read = lru_cache(maxsize=POLICIES_IN_MEMORY)(self._uncached)

    def of(self, row: Row) -> PolicyUsed | Skipped:
        """The one of the row's revision."""
        found = self._read(row.revision)
        return found if isinstance(found, PolicyUsed) else Skipped(row.place, found, f"policy {row.revision or '?'}")

    def _uncached(self, revision: str) -> PolicyUsed | Why:
        archive = read_kept(self._audit_dir, revision)
        if archive is None:
            return Why.POLICY_NOT_KEPT
        try:
            bundle = read_archive(archive)
        except PolicyProblems:
            return Why.POLICY_DAMAGED
        if content_revision(bundle.modules, bundle.data_json) != revision:
            return Why.POLICY_DAMAGED
        return PolicyUsed.of(bundle)


def candidate_of(policy: Path, data: Path | None = None) -> Bundle:
    """A candidate from a folder of Rego and a data file, as `run` takes them, or from a bundle (tar.gz).

    Raises `PolicyProblems` with all that is wrong.
    """
    if policy.is_dir():
        if not any(policy.rglob("*.rego")):
            raise PolicyProblems([f"no *.rego file found in {policy}"])
        return build(policy, data)
    if data is not None:
        raise PolicyProblems([f"{policy} is a bundle and has its own data: give a folder, or no data"])
    try:
        content = policy.read_bytes()
    except OSError as error:
        raise PolicyProblems([f"{policy}: {error}"]) from None
    return read_archive(content)
