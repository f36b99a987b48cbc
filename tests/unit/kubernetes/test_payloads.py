"""The node of the test cluster: what is in the files of volumes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubernetes.node.atomic_files import FileContent
from tests.kubernetes.node.environment import NotThere
from tests.kubernetes.node.payloads import Payloads, Tokens

POD: dict[str, Any] = {"metadata": {"name": "web", "annotations": {"note": "n"}}, "spec": {"containers": []}}
NOTE = {"path": "note", "fieldRef": {"fieldPath": "metadata.annotations['note']"}}


def one_secret(kind: str, namespace: str, name: str) -> dict[str, bytes] | None:
    return {"a": b"1", "b": b"2"} if (kind, namespace, name) == ("secret", "here", "keys") else None


def payloads(asked: list[dict[str, Any]]) -> Payloads:
    def token(spec: dict[str, Any]) -> str:
        asked.append(spec)
        return f"token {len(asked)}"

    return Payloads(one_secret, "here", Tokens(token))


def test_sources_come_together_in_one_volume() -> None:
    asked: list[dict[str, Any]] = []
    some = {"name": "keys", "items": [{"key": "a", "path": "x/a", "mode": 0o400}]}
    sources = [
        {"secret": some},
        {"downwardAPI": {"items": [NOTE]}},
        {"configMap": {"name": "none", "optional": True}},
        {"serviceAccountToken": {"path": "token", "audience": "registry"}},
    ]
    volume = {"name": "v", "projected": {"defaultMode": 0o440, "sources": sources}}
    mine = payloads(asked)
    expected = {
        "x/a": FileContent(b"1", 0o400),
        "note": FileContent(b"n", 0o440),
        "token": FileContent(b"token 1", 0o440),
    }
    assert [mine.files(volume, POD), mine.files(volume, POD)] == [expected, expected]
    assert asked == [{"expirationSeconds": 3600, "audiences": ["registry"]}]


def test_a_group_of_the_pod_may_read() -> None:
    pod = {**POD, "spec": {"securityContext": {"fsGroup": 7}}}
    volume = {"name": "v", "secret": {"secretName": "keys", "defaultMode": 0o400}}
    assert payloads([]).files(volume, pod) == {"a": FileContent(b"1", 0o440, 7), "b": FileContent(b"2", 0o440, 7)}


def test_other_volumes_have_no_payload() -> None:
    assert payloads([]).files({"name": "v", "emptyDir": {}}, POD) is None


@pytest.mark.parametrize(
    "volume",
    [
        {"secret": {"secretName": "none"}},
        {"secret": {"secretName": "keys", "items": [{"key": "c", "path": "c"}]}},
        {"projected": {"sources": [{"clusterTrustBundle": {}}]}},
    ],
)
def test_what_is_not_there_is_waited_for(volume: dict[str, Any]) -> None:
    with pytest.raises(NotThere):
        payloads([]).files({"name": "v", **volume}, POD)
