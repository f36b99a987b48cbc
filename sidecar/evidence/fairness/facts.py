"""Which groups are protected and which limit holds, for a report: as a policy's data have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from sidecar.audit.policies import FOLDER, SUFFIX
from sidecar.policy.archive import read_archive
from sidecar.policy.facts import read_facts
from sidecar.policy.port import Answer
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sidecar.evidence.folders import LogFolder
    from sidecar.model.facts import Facts


def facts_of(data: Path | None, logs: Iterable[LogFolder]) -> Facts:
    """From a data file, or without one from the policy that was kept last beside the logs. Raises PolicyProblems."""
    if data is not None:
        return _read(data, data.read_bytes())
    homes = {log.audit_dir for log in logs if log.audit_dir is not None}
    kept = [path for home in homes for path in (home / FOLDER).glob(f"[!.]*{SUFFIX}")]
    if not kept:
        raise PolicyProblems(["no policy was kept beside these logs: name its data with --data"])
    # A file's time is when its policy was last known to decide.
    newest = max(kept, key=lambda path: (path.stat().st_mtime, path))
    return _read(newest, read_archive(newest.read_bytes()).data_json)


def _read(path: Path, data_json: bytes) -> Facts:
    """As the generated rule `data.sidecar.facts` gives them to a sidecar: the models, as the data have them."""
    try:
        document: Any = orjson.loads(data_json)
        models: Any = document.get("models", {})
    except (ValueError, AttributeError) as error:
        raise PolicyProblems([f"{path} is no data document: {error}"]) from None
    return read_facts(Answer({"models": models}, ""))
