from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sidecar.bundles.signing import VerifyingKey
from sidecar.http1.target import Target
from sidecar.policy.bundled.config import SIZE_LIMIT_BYTES, BundlesConfig, BundleSpec, load_config
from sidecar.policy.problems import PolicyProblems
from sidecar.registry.shelf.opa_config import Registry, configuration
from tests.bundles import key

if TYPE_CHECKING:
    from collections.abc import Callable

PEM = key("ours")[1].decode()


def file(**changes: Any) -> dict[str, Any]:
    return {
        "services": {"registry": {"url": "https://registry.example:8443/below/"}},
        "keys": {"ours": {"algorithm": "ES256", "key": PEM}},
        "bundles": {
            "data": {"service": "registry", "resource": "/d.tar.gz", "signing": {"keyid": "ours", "scope": "data"}}
        },
    } | changes


def loaded(tmp_path: Path, document: object) -> BundlesConfig:
    path = tmp_path / "opa.yaml"
    path.write_text(yaml.safe_dump(document))
    return load_config(path)


def problems(tmp_path: Path, document: object) -> list[str]:
    with pytest.raises(PolicyProblems) as raised:
        loaded(tmp_path, document)
    return [problem.removeprefix(f"{tmp_path}/opa.yaml: ") for problem in raised.value.problems]


def fields(spec: BundleSpec) -> dict[str, object]:
    return {name: getattr(spec, name) for name in BundleSpec.__dataclass_fields__ if name != "key"}


def test_what_opa_takes_by_default_is_the_default(tmp_path: Path) -> None:
    config = loaded(tmp_path, file())
    assert config.folder is None
    assert [fields(spec) for spec in config.specs] == [
        {
            "name": "data",
            "target": Target.parse("https://registry.example:8443"),
            "path": "/below/d.tar.gz",
            "scope": "data",
            "token_file": None,
            "ca_file": None,
            "persist": False,
            "min_delay_s": 60.0,
            "max_delay_s": 120.0,
            "long_polling_s": None,
            "header_timeout_s": 10.0,
            "size_limit_bytes": SIZE_LIMIT_BYTES,
        }
    ]


def test_what_the_registry_prints_for_opa_is_a_file_for_the_embedded_engine(tmp_path: Path) -> None:
    ours = VerifyingKey(PEM.encode())
    printed = configuration(Registry("https://r.example", Path("/run/token"), Path("/run/ca.pem")), ours, ours)
    path = tmp_path / "opa.json"
    path.write_text(json.dumps(printed | {"persistence_directory": "/var/lib/bundles"}))
    config = load_config(path)
    assert config.folder == Path("/var/lib/bundles")
    assert [spec.name for spec in config.specs] == ["data", "policy", "revocations", "revocations-earlier"]
    spec = config.specs[1]
    assert (spec.path, spec.scope, spec.persist) == ("/v1/bundles/policy.tar.gz", "policy", True)
    assert (spec.token_file, spec.ca_file) == (Path("/run/token"), Path("/run/ca.pem"))
    assert (spec.min_delay_s, spec.max_delay_s, spec.long_polling_s) == (1.0, 1.0, 30)


def with_bundle(**changes: Any) -> Callable[[], dict[str, Any]]:
    return lambda: file(bundles={"data": file()["bundles"]["data"] | changes})


def with_url(url: str) -> Callable[[], dict[str, Any]]:
    return lambda: file(services={"registry": {"url": url}})


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "no file of OPA's": (lambda: ["a list"], "it: Input should be a valid dictionary or instance of _File"),
    "an unknown key": (lambda: file(decision_logs={}), "decision_logs: is not known here"),
    "an unknown key below": (with_bundle(trigger="manual"), "bundles.data.trigger: is not known here"),
    "no bundles": (lambda: file(bundles={}), "bundles: Dictionary should have at least 1 item after validation, not 0"),
    "no signature asked for": (
        lambda: file(bundles={"data": {"service": "registry", "resource": "d"}}),
        "bundles.data.signing: is required",
    ),
    "no scope": (with_bundle(signing={"keyid": "ours"}), "bundles.data.signing.scope: is required"),
    "an unknown service": (with_bundle(service="other"), "bundles.data: there is no service other"),
    "an unknown key's name": (
        with_bundle(signing={"keyid": "other", "scope": "data"}),
        "bundles.data: there is no key other",
    ),
    "a key that is none": (
        lambda: file(keys={"ours": {"algorithm": "ES256", "key": "x"}}),
        "bundles.data: no public key in PEM",
    ),
    "a key of another kind": (
        lambda: file(keys={"ours": {"algorithm": "RS256", "key": PEM}}),
        "bundles.data: the key is one for ES256, not RS256",
    ),
    "plain http to another machine": (
        with_url("http://registry.example"),
        "bundles.data: 'http://registry.example': plain http is for loopback only",
    ),
    "a variable": (with_url("https://${HOST}"), "bundles.data: variables in its URL are OPA's to replace"),
    "a URL with a query": (with_url("https://h/?a=b"), "bundles.data: 'https://h/?a=b' has more than"),
    "a URL that is none": (with_url("ftp://h"), "bundles.data: 'ftp://h' is none of"),
    "a name that is no file's": (
        lambda: file(bundles={"../data": file()["bundles"]["data"]}),
        "bundles.../data: a bundle's name is made of letters",
    ),
    "delays that cross": (
        with_bundle(polling={"min_delay_seconds": 2, "max_delay_seconds": 1}),
        "bundles.data: polling.min_delay_seconds is above max_delay_seconds",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_known_or_not_safe_is_refused(tmp_path: Path, case: str) -> None:
    document, why = REFUSED[case]
    (problem,) = problems(tmp_path, document())
    assert problem.startswith(why)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    bundle = file()["bundles"]["data"]
    both = {"one": bundle | {"service": "a"}, "two": bundle | {"service": "b"}}
    assert problems(tmp_path, file(bundles=both)) == [
        "bundles.one: there is no service a",
        "bundles.two: there is no service b",
    ]


def test_plain_http_on_loopback_is_taken(tmp_path: Path) -> None:
    for host in ("127.0.0.1:80", "[::1]:80", "localhost"):
        assert loaded(tmp_path, with_url(f"http://{host}")()).specs[0].target.scheme == "http"


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyProblems, match=r"absent.yaml: No such file"):
        load_config(tmp_path / "absent.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(PolicyProblems, match=r"bad.yaml: is no YAML"):
        load_config(tmp_path / "bad.yaml")
