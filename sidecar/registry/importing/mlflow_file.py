"""Data sets out of MLflow's records of what runs were trained on.

    mlflow runs describe --run-id ID > run.json

and what the REST API answers (`runs/get`, `runs/search`), or a list of `run.inputs.dataset_inputs`, each by its
`to_dictionary()`. MLflow knows name, digest and source of a data set, and neither its age nor its consent: that stands
in tags of the input (`mlflow.log_input(…, tags={"created": …, "consent_scopes": …})`), or is said for all of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from sidecar.registry.importing.entries import Defaults, Entry, Problem, Read, dataset_body
from sidecar.registry.values import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.registry.importing.positions import JsonFile, Steps
    from sidecar.registry.values import Json

TAGS = ("data_version", "created", "consent_scopes", "parents")
"""Tags of an input that say what MLflow has no member for; the others mean nothing here."""


def is_mlflow(value: object) -> bool:
    """Whether a JSON value looks like one."""
    return next(_inputs(value, ()), None) is not None


def read_mlflow(file: JsonFile, defaults: Defaults) -> Iterator[Read]:
    """A data set for each input of each run; the file `is_mlflow`."""
    for steps, value in _inputs(file.value, ()):
        where = file.at(*steps)
        dataset = value.get("dataset")
        if not isinstance(dataset, dict):
            yield Problem(where, "has no `dataset`, as each of MLflow's dataset inputs has")
            continue
        members, tags = cast("Json", dataset), _tags(value.get("tags"))
        body, problems = dataset_body(tags, defaults)
        name, digest = members.get("name"), members.get("digest")
        key = tags.get("data_version") or f"{name}-{digest}"
        if not isinstance(name, str) or not isinstance(digest, str):
            problems.append("name and digest must be strings")
        body |= {"source": _source(members), "checksum": f"mlflow:{digest}"}
        yield Problem(where, "; ".join(problems)) if problems else Entry(Kind.DATASET, key, body, where)


def _inputs(value: object, steps: Steps) -> Iterator[tuple[Steps, Json]]:
    """Each dataset input with the way to it: of one run, of an answer with a run or with several, or of a list."""
    if isinstance(value, list):
        for index, each in enumerate(cast("list[object]", value)):
            if isinstance(each, dict) and "dataset" in each:
                yield (*steps, index), cast("Json", each)
            else:
                yield from _inputs(cast("object", each), (*steps, index))
    elif isinstance(value, dict):
        for name in ("runs", "run", "inputs", "dataset_inputs"):
            if name in value:
                yield from _inputs(cast("Json", value)[name], (*steps, name))


def _tags(tags: object) -> dict[str, str]:
    """A mapping, as Python has it, or the REST API's list of `{"key", "value"}`."""
    if isinstance(tags, list):
        pairs = [cast("Json", each) for each in cast("list[object]", tags) if isinstance(each, dict)]
        tags = {str(each.get("key")): each.get("value") for each in pairs}
    known = cast("Json", tags) if isinstance(tags, dict) else {}
    return {name: str(known[name]) for name in TAGS if known.get(name)}


def _source(members: Json) -> Json:
    """MLflow keeps it as JSON in a string; what it means depends on its type."""
    text = members.get("source")
    try:
        source: Any = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        source = None
    found = cast("Json", source) if isinstance(source, dict) else {"text": text}
    return {"type": members.get("source_type")} | found
