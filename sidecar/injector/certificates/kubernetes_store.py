"""The store of certificates over Kubernetes' API. The one file that imports its client, which takes 0.7 s and 20 MB.

Rights that it needs: get and update of the release's own Secrets, get and patch of its two webhook configurations.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any, TypeVar, cast

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from sidecar.injector.certificates.store import Conflict, Kept, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubernetes.client import V1Secret

T = TypeVar("T")

TIMEOUT_S = 10.0
USER_AGENT = "model-policy-sidecar-injector"
"""Also who owns the fields that are written, by which Helm tells them from its own."""
_REMEDIES = {
    401: "its token is not taken: is the service account's mounted?",
    403: "its service account lacks a right that the chart gives: is the chart's RBAC installed?",
    404: "the chart makes it: is the release's name right?",
}


class KubernetesStore:
    """A `Store` over the Secrets of one namespace, and the two webhook configurations called `configuration`."""

    def __init__(self, namespace: str, configuration: str) -> None:
        """In a pod as its service account, elsewhere as kubectl would be. Raises `StoreFailed`."""
        self._namespace = namespace
        self._configuration = configuration
        api = client.ApiClient(_connected())
        api.user_agent = USER_AGENT
        self._core = client.CoreV1Api(api)
        self._admission = client.AdmissionregistrationV1Api(api)

    def read(self, secret: str) -> Kept:
        """See `Store`."""
        found = self._secret(secret)
        data = {name: base64.b64decode(text) for name, text in (found.data or {}).items()}
        return Kept(data, _version(found))

    def write(self, secret: str, data: Mapping[str, bytes], version: str) -> None:
        """See `Store`. What else there is of the Secret stays, such as labels."""
        found = self._secret(secret)
        if _version(found) != version:
            raise Conflict(secret)
        found.data = {name: _encoded(content) for name, content in data.items()}

        def replace() -> None:
            try:  # it carries the version that was read, by which the API server knows who comes second
                self._core.replace_namespaced_secret(secret, self._namespace, found, _request_timeout=TIMEOUT_S)
            except ApiException as error:
                if _status(error) == 409:
                    raise Conflict(secret) from None
                raise

        _asked(f"Secret {self._namespace}/{secret}", replace)

    def trust(self, bundle: bytes) -> bool:
        """See `Store`."""
        of, encoded = self._admission, _encoded(bundle)
        changed = [
            self._trust_in(
                "MutatingWebhookConfiguration",
                of.read_mutating_webhook_configuration,
                of.patch_mutating_webhook_configuration,
                encoded,
            ),
            self._trust_in(
                "ValidatingWebhookConfiguration",
                of.read_validating_webhook_configuration,
                of.patch_validating_webhook_configuration,
                encoded,
            ),
        ]
        return any(changed)

    def _trust_in(self, kind: str, read: Callable[..., Any], patch: Callable[..., Any], bundle: str) -> bool:
        """`read` and `patch`: the client's methods for this kind of configuration."""
        name = self._configuration

        def update() -> bool:
            operations = _operations(read(name, _request_timeout=TIMEOUT_S).webhooks or [], bundle)
            if operations:
                patch(name, operations, _request_timeout=TIMEOUT_S)
            return bool(operations)

        return _asked(f"{kind} {name}", update)

    def _secret(self, name: str) -> V1Secret:
        read = self._core.read_namespaced_secret
        return _asked(
            f"Secret {self._namespace}/{name}", lambda: read(name, self._namespace, _request_timeout=TIMEOUT_S)
        )


def _connected() -> client.Configuration:
    found = client.Configuration()
    found.retries = 0  # rounds come again, and say what was wrong
    loading: Any = config  # its functions lack types
    try:
        if "KUBERNETES_SERVICE_HOST" in os.environ:
            loading.load_incluster_config(found)
        else:
            loading.load_kube_config(client_configuration=found)
    except ConfigException as error:
        raise StoreFailed(f"no way to Kubernetes' API: {error}; run it in a pod, or set KUBECONFIG") from None
    return found


def _asked(what: str, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except ApiException as error:
        status = _status(error)
        raise StoreFailed(f"{what}: {status}; {_REMEDIES.get(status, 'it is tried again')}") from error
    except (HTTPError, OSError) as error:
        raise StoreFailed(f"{what}: Kubernetes' API does not answer: {error}") from error


def _status(error: ApiException) -> int:
    return int(cast("Any", error).status or 0)


def _operations(webhooks: Sequence[Any], bundle: str) -> list[dict[str, Any]]:
    """RFC 6902. `test` holds the place of a webhook in the list against a change between reading and writing."""
    operations: list[dict[str, Any]] = []
    for index, webhook in enumerate(webhooks):
        if webhook.client_config.ca_bundle != bundle:
            operations.append({"op": "test", "path": f"/webhooks/{index}/name", "value": webhook.name})
            operations.append({"op": "add", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": bundle})
    return operations


def _version(secret: V1Secret) -> str:
    return str(secret.metadata.resource_version) if secret.metadata else ""


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
