"""The real client over HTTP; tests/kubernetes has it at a real API server."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from sidecar.injector.certificates.kubernetes_store import KubernetesStore
from sidecar.injector.certificates.store import Conflict, Kept, StoreFailed
from tests.unit.injector.certificates.api_server import SECRETS, ApiServer

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

CA = "policy-ca"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[ApiServer]:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with ApiServer() as started:
        path = started.write_kubeconfig(tmp_path / "config")
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
        yield started


@pytest.fixture
def store(server: ApiServer) -> KubernetesStore:
    return KubernetesStore("system", "policy")


def test_an_empty_secret_is_read_and_filled_and_what_else_it_has_stays(
    server: ApiServer, store: KubernetesStore
) -> None:
    server.secret(CA, {})
    assert store.read(CA) == Kept({}, "1")
    store.write(CA, {"ca.crt": b"\xff\n"}, "1")
    assert store.read(CA) == Kept({"ca.crt": b"\xff\n"}, "10")
    written = server.objects[SECRETS + CA]
    assert (written["type"], written["metadata"]["labels"]) == ("Opaque", {"of": "helm"})


def test_who_read_an_older_version_is_told_and_writes_nothing(server: ApiServer, store: KubernetesStore) -> None:
    server.secret(CA, {"ca.crt": b"x"})
    store.write(CA, {"ca.crt": b"theirs"}, "1")
    with pytest.raises(Conflict) as conflict:
        store.write(CA, {"ca.crt": b"ours"}, "1")
    assert (conflict.value.secret, store.read(CA).data) == (CA, {"ca.crt": b"theirs"})


def test_who_is_overtaken_while_writing_is_told_by_the_api_server(
    server: ApiServer, store: KubernetesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.secret(CA, {"ca.crt": b"x"})
    answer = server.answer

    def overtaken(method: str, path: str, body: object) -> tuple[int, dict[str, object]]:
        if method == "PUT":
            server.objects[path]["metadata"]["resourceVersion"] = "2"
        return answer(method, path, body)

    monkeypatch.setattr(server, "answer", overtaken)
    with pytest.raises(Conflict):
        store.write(CA, {"ca.crt": b"ours"}, "1")


def test_every_webhook_of_both_configurations_trusts_the_bundle(server: ApiServer, store: KubernetesStore) -> None:
    made = [
        server.webhooks("MutatingWebhookConfiguration", "policy", "all", "labelled"),
        server.webhooks("ValidatingWebhookConfiguration", "policy", "all", "labelled"),
    ]
    made[0]["webhooks"][1]["clientConfig"]["caBundle"] = base64.b64encode(b"of before").decode()
    assert store.trust(b"new")
    bundles = [webhook["clientConfig"]["caBundle"] for each in made for webhook in each["webhooks"]]
    assert bundles == [base64.b64encode(b"new").decode()] * 4
    server.requests.clear()
    assert not store.trust(b"new")
    assert [method for method, _ in server.requests] == ["GET", "GET"]


@pytest.mark.parametrize(("status", "remedy"), [(401, "token"), (403, "RBAC"), (404, "release's name"), (500, "again")])
def test_what_the_api_server_refuses_is_told_with_the_remedy(
    server: ApiServer, store: KubernetesStore, status: int, remedy: str
) -> None:
    server.status = status
    with pytest.raises(StoreFailed, match=f"^Secret system/policy-ca: {status}; .*{remedy}"):
        store.read(CA)
    with pytest.raises(StoreFailed, match=f"^MutatingWebhookConfiguration policy: {status}; .*{remedy}"):
        store.trust(b"x")


def test_an_api_server_that_is_down_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ApiServer() as gone:
        path = gone.write_kubeconfig(tmp_path / "config")
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    with pytest.raises(StoreFailed, match="Kubernetes' API does not answer"):
        KubernetesStore("system", "policy").read(CA)


def test_in_a_pod_it_is_the_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    with pytest.raises(StoreFailed, match="no way to Kubernetes' API: Service token file does not exist"):
        KubernetesStore("system", "policy")


def test_without_a_way_to_the_api_it_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    with pytest.raises(StoreFailed, match="set KUBECONFIG"):
        KubernetesStore("system", "policy")
