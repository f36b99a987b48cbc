from __future__ import annotations

import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.refusal import Refused
from sidecar.protocols.routes import Route, RouteTable, check_path

INFER = EndpointKind.INFER
TABLE = RouteTable(
    (
        Route(EndpointKind.INFER, "p", "infer", ("POST", "PUT"), "/m/{model}[/v/{version}]/infer"),
        Route(EndpointKind.INFER, "p", "infer", ("POST",), "/m/{model}:predict"),
        Route(EndpointKind.PROBE, "p", "live", ("GET",), "/"),
        Route(EndpointKind.METADATA, "p", "model", ("GET",), "/m/{model}"),
        Route(EndpointKind.MANAGEMENT, "p", "repository", (), "/repository/{rest}"),
    )
)


def code(method: str, path: str, query: str = "") -> str:
    with pytest.raises(Refused) as caught:
        TABLE.find(method, path, query)
    (reason,) = caught.value.reasons
    return reason.code


@pytest.mark.parametrize(
    ("line", "endpoint"),
    [
        (("POST", "/m/a/infer", ""), Endpoint(EndpointKind.INFER, "p", "infer", "a", None)),
        (("PUT", "/m/a-b.1~c/v/2.0/infer", ""), Endpoint(EndpointKind.INFER, "p", "infer", "a-b.1~c", "2.0")),
        (("POST", "/m/a:predict", ""), Endpoint(EndpointKind.INFER, "p", "infer", "a", None)),
        (("GET", "/", "verbose=1"), Endpoint(EndpointKind.PROBE, "p", "live")),
        (("GET", "/m/a", ""), Endpoint(EndpointKind.METADATA, "p", "model", "a")),
        (("PURGE", "/repository/models/x/load", "a b"), Endpoint(EndpointKind.MANAGEMENT, "p", "repository")),
        (("POST", f"/m/{'a' * 128}/infer", ""), Endpoint(EndpointKind.INFER, "p", "infer", "a" * 128)),
    ],
)
def test_finds(line: tuple[str, str, str], endpoint: Endpoint) -> None:
    assert TABLE.find(*line) == endpoint


def test_what_was_found_is_kept_and_what_was_refused_is_not() -> None:
    assert TABLE.find("POST", "/m/kept/infer", "") is TABLE.find("POST", "/m/kept/infer", "")
    assert [code("GET", "/m/kept/infer"), code("GET", "/m/kept/infer")] == ["method_not_allowed"] * 2
    assert code("POST", "/m/kept/infer", "q=1") == "http_malformed"


@pytest.mark.parametrize(
    "path",
    [
        "/m/a/%69nfer",
        "/m/a%2finfer",
        "/m%5ca/infer",
        "/m/%00/infer",
        "/m/%c0%ae/infer",
        "//m/a/infer",
        "/m//infer",
        "/m/./a/infer",
        "/m/x/../a/infer",
        "/m/a/infer/.",
        "/m/a/infer/..",
        "/m/a./infer",
        "/m/a/infer;x=1",
        "/m/a;/infer",
        "/m\\a\\infer",
        "/m/a/infer ",
        "/m/a\t/infer",
        "/m/a\x00/infer",
        "/m/a/infer\n",
        "/m/é/infer",
        "/m/a/infer#f",
        "/m/a/infer?x",
        '/m/"a"/infer',
        "",
        "*",
        "m/a/infer",
        "http://other/m/a/infer",
    ],
)
def test_refuses_paths_that_servers_read_in_different_ways(path: str) -> None:
    assert code("POST", path) == "http_malformed"


@pytest.mark.parametrize(
    "path",
    [
        "/m/a/infer/",
        "/m/a/Infer",
        "/m/a/infer/x",
        "/m/a/v/infer",
        "/m/-a/infer",
        "/m/.a/infer",
        f"/m/{'a' * 129}/infer",
        "/m/a:explain",
        "/m/a:predict:predict",
        "/m/a:predict/infer",
        "/repository",
        "/repository/",
        "/repository/x/",
        "/x",
    ],
)
def test_refuses_paths_that_are_in_no_table(path: str) -> None:
    assert code("POST", path) == "endpoint_unknown"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        *((method, "/m/a/infer", ("POST", "PUT")) for method in ("GET", "HEAD", "OPTIONS", "TRACE", "post")),
        ("GET", "/m/a:predict", ("POST",)),
        ("HEAD", "/", ("GET",)),
        ("DELETE", "/m/a", ("GET",)),
    ],
)
def test_refuses_other_methods_and_says_which_there_are(method: str, path: str, allow: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as caught:
        TABLE.find(method, path, "")
    assert [reason.code for reason in caught.value.reasons] == ["method_not_allowed"]
    assert caught.value.allow == allow


def test_a_query_would_be_an_input_that_nobody_judged() -> None:
    assert code("POST", "/m/a/infer", "data_version=x") == "http_malformed"
    assert code("GET", "/", "a b") == "http_malformed"


def test_check_path_is_linear_in_dots_and_slashes() -> None:
    for path in ("/" + "." * 100_000, "/a." * 30_000, "/" * 100_000):
        with pytest.raises(Refused):
            check_path(path)


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        (Endpoint(INFER, "v1", "infer", "a"), "/explanations/a"),
        (Endpoint(INFER, "v1", "infer", "a", "1.0"), "/explanations/a/1.0"),
        (Endpoint(INFER, "v2", "infer", "a"), "/m/a:explain"),
        (Endpoint(INFER, "v2", "infer", "a", "1.0"), None),
        (Endpoint(INFER, "v2", "workflow", "a"), None),
        (Endpoint(INFER, "v2", "explain", "a"), None),
        (Endpoint(INFER, "v2", "infer", None), None),
        (Endpoint(INFER, "v2", "infer", "a/../b"), None),
        (Endpoint(INFER, "v3", "infer", "a"), None),
    ],
)
def test_the_explanation_of_what_is_inferred_has_its_own_path(endpoint: Endpoint, path: str | None) -> None:
    table = RouteTable(
        (
            Route(INFER, "v1", "infer", ("POST",), "/predictions/{model}[/{version}]"),
            Route(INFER, "v1", "explain", ("POST",), "/explanations/{model}[/{version}]"),
            Route(INFER, "v2", "explain", ("POST",), "/m/{model}:explain"),
            Route(INFER, "v3", "infer", ("POST",), "/v3/{model}"),
            Route(EndpointKind.METADATA, "v3", "explain", ("GET",), "/v3/{model}/explain"),
        )
    )
    assert table.explain_path(endpoint) == path
    if path is not None:
        found = table.find("POST", path, "")
        assert found == Endpoint(INFER, endpoint.protocol, "explain", endpoint.model, endpoint.version)
