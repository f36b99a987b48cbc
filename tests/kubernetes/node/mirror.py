"""Copies of what the API server holds, kept up to date by watches."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Protocol

import urllib3

from tests.kubernetes.node.api import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.kubernetes.node.api import Json

log = logging.getLogger(__name__)
RETRY_S = 0.5
GONE = 410  # the version to watch from is no longer kept


class Source(Protocol):
    """What `Api` does for a mirror."""

    def get(self, path: str, /) -> Json:
        """A list."""
        ...

    def watch(self, path: str, version: str, /) -> Iterator[Json]:
        """Events since."""
        ...


class Mirror:
    """All objects under one path of the API. `on_change(new, old)` is called for each change, in order, by one thread.

    What is new has no old, and what was deleted no new.
    """

    def __init__(self, api: Source, path: str, on_change: Callable[[Json | None, Json | None], None]) -> None:
        self._api = api
        self._path = path
        self._on_change = on_change
        self._objects: dict[tuple[str, str], Json] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Returns with the first copy complete."""
        version = self._list()
        threading.Thread(target=self._follow, args=(version,), name=f"mirror {self._path}", daemon=True).start()

    def get(self, namespace: str, name: str) -> Json | None:
        """An object as last seen."""
        with self._lock:
            return self._objects.get((namespace, name))

    def all(self) -> list[Json]:
        """Every object as last seen."""
        with self._lock:
            return list(self._objects.values())

    def _follow(self, version: str) -> None:
        while True:
            try:
                for event in self._api.watch(self._path, version):
                    version = self._take(event)
            except (ApiError, urllib3.exceptions.HTTPError) as error:
                log.info("watching %s again: %s", self._path, error)
                time.sleep(RETRY_S)
                version = self._list_when_possible()

    def _take(self, event: Json) -> str:
        """The version to go on from."""
        if event["type"] == "ERROR":
            raise ApiError(event["object"].get("code", GONE), event["object"].get("message", ""))
        if event["type"] != "BOOKMARK":
            self._put(event["object"], deleted=event["type"] == "DELETED")
        return event["object"]["metadata"]["resourceVersion"]

    def _list_when_possible(self) -> str:
        while True:
            try:
                return self._list()
            except (ApiError, urllib3.exceptions.HTTPError) as error:
                log.info("listing %s: %s", self._path, error)
                time.sleep(RETRY_S)

    def _list(self) -> str:
        listed = self._api.get(self._path)
        present = {_key(each) for each in listed["items"]}
        for gone in [each for each in self.all() if _key(each) not in present]:
            self._put(gone, deleted=True)
        for each in listed["items"]:
            self._put(each)
        return listed["metadata"]["resourceVersion"]

    def _put(self, new: Json, *, deleted: bool = False) -> None:
        with self._lock:
            old = self._objects.pop(_key(new), None)
            if not deleted:
                self._objects[_key(new)] = new
        if deleted or old != new:
            self._on_change(None if deleted else new, old)


def _key(item: Json) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]
