"""Probes pass, all else but inference does not: seen at the server, which is not reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.servers.wire import compared
from tests.process import fetch

if TYPE_CHECKING:
    from tests.e2e.servers.guarded import Guarded


def test_every_probe_passes(server: Guarded) -> None:
    for path in server.dialect.probes:
        through, direct = (fetch(url + path) for url in (server.sidecar.url, server.server.url))
        assert through.status == 200, path
        assert compared(through) == compared(direct), path


def test_management_is_refused(server: Guarded) -> None:
    for method, path in server.dialect.management:
        with server.not_reached():
            answer = server.call({}, path, method)
        assert (answer.status, answer.codes) == (403, ["management_forbidden"]), path


def test_metadata_is_refused_unless_opted_in(server: Guarded) -> None:
    for path in server.dialect.metadata:
        with server.not_reached():
            answer = fetch(server.sidecar.url + path)
        assert (answer.status, answer.codes) == (403, ["management_forbidden"]), path


def test_what_is_unknown_is_refused(server: Guarded) -> None:
    for method, path in server.dialect.unknown:
        with server.not_reached():
            answer = server.call({}, path, method)
        assert answer.status in (404, 405), path


def test_no_other_way_to_write_a_path_passes(server: Guarded) -> None:
    path = server.dialect.path
    name = path.strip("/").split("/")[-1].partition(":")[0]  # the last segment's
    written = [path.replace(name, f"%{ord(name[0]):x}{name[1:]}"), "/" + path, path.replace("/", "//", 2), f"/.{path}"]
    for other in (*written, f"/x/..{path}", f"{path};x=1", f"{path}%2f", path.replace(name, f"{name}%00"), f"{path}/"):
        with server.not_reached():
            answer = server.call(path=other)
        assert answer.status in (400, 404), other
    for method in ("GET", "DELETE", "TRACE", "PATCH"):
        with server.not_reached():
            answer = server.call(method=method)
        assert (answer.status, answer.codes) == (405, ["method_not_allowed"]), method
