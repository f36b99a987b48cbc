"""The node of the test cluster: copies of what the API server holds."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.kubernetes.node.mirror import GONE, Mirror

if TYPE_CHECKING:
    from collections.abc import Iterator


def thing(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


@dataclass
class ScriptedApi:
    """Answers each list and each watch with the next of those given; after the last watch nothing comes any more."""

    lists: list[list[dict[str, Any]]]
    watches: list[list[dict[str, Any]]]
    watched_from: list[str] = field(default_factory=list[str])
    ended: threading.Event = field(default_factory=threading.Event)

    def get(self, _path: str) -> dict[str, Any]:
        items = self.lists.pop(0)
        return {"metadata": {"resourceVersion": items[-1]["metadata"]["resourceVersion"]}, "items": items}

    def watch(self, _path: str, version: str) -> Iterator[dict[str, Any]]:
        self.watched_from.append(version)
        if not self.watches:
            self.ended.set()
            threading.Event().wait()
        yield from self.watches.pop(0)


def test_changes_are_told_once_also_those_between_two_watches() -> None:
    told: list[tuple[str | None, str | None]] = []

    def version(item: dict[str, Any] | None) -> str | None:
        return None if item is None else f"{item['metadata']['name']}{item['metadata']['resourceVersion']}"

    gone = {"code": GONE, "message": "too old"}
    api = ScriptedApi(
        lists=[[thing("a", 1), thing("b", 2)], [thing("a", 3), thing("c", 9)]],
        watches=[
            [{"type": "MODIFIED", "object": thing("a", 3)}, {"type": "BOOKMARK", "object": thing("", 4)}],
            [{"type": "ERROR", "object": gone}],
            [{"type": "DELETED", "object": thing("c", 10)}, {"type": "ADDED", "object": thing("d", 11)}],
        ],
    )
    mirror = Mirror(api, "/things", lambda new, old: told.append((version(new), version(old))))
    mirror.start()
    assert api.ended.wait(10)
    assert told == [
        *(("a1", None), ("b2", None), ("a3", "a1")),
        *((None, "b2"), ("c9", None)),
        *((None, "c9"), ("d11", None)),
    ]
    assert api.watched_from == ["2", "4", "9", "11"]
    assert mirror.all() == [thing("a", 3), thing("d", 11)]
    assert mirror.get("", "d") == thing("d", 11)
