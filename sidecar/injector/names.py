"""Names that the injector gives and takes: the chart, the admission policies and people's manifests rely on them."""

from __future__ import annotations

from typing import Final

DOMAIN: Final = "model-policy-sidecar.io"
PREFIX: Final = f"{DOMAIN}/"

LABEL_GUARD: Final = f"{DOMAIN}/guard"
"""Of a namespace `all` or `labelled`; of a pod in a labelled one `enabled`."""
LABEL_GUARDED: Final = f"{DOMAIN}/guarded"
"""`true` on every guarded pod."""
GATE: Final = f"{DOMAIN}/unguarded"
"""A scheduling gate: no node gets a pod that has it. The Kustomize component gives it to every pod before it asks us to
guard it, for Kustomize leaves out functions that it is not told to run, and says nothing."""

CONTAINER: Final = f"{DOMAIN}/container"
SERVER: Final = f"{DOMAIN}/server"
PORT: Final = f"{DOMAIN}/port"
DEFAULT_MODEL: Final = f"{DOMAIN}/default-model"
UPSTREAM_TIMEOUT_S: Final = f"{DOMAIN}/upstream-timeout-s"
METADATA: Final = f"{DOMAIN}/metadata"
MODE: Final = f"{DOMAIN}/mode"
EXEMPT: Final = f"{DOMAIN}/exempt"
ASKED: Final = (CONTAINER, SERVER, PORT, DEFAULT_MODEL, UPSTREAM_TIMEOUT_S, METADATA, MODE, EXEMPT)
"""Annotations that a pod's author may set."""

EXPLANATION: Final = f"{DOMAIN}/explanation"
STATE: Final = f"{DOMAIN}/state"
OPA_CONFIG: Final = f"{DOMAIN}/opa-config"
REGISTRY_CA: Final = f"{DOMAIN}/registry-ca"
WRITTEN: Final = (EXPLANATION, STATE, OPA_CONFIG, REGISTRY_CA)
"""Annotations that the injector writes."""

SIDECAR: Final = "policy-sidecar"
OPA: Final = "policy-opa"
TORCHSERVE_CONFIG: Final = "policy-torchserve-config"
GUARD_CONTAINERS: Final = (OPA, SIDECAR, TORCHSERVE_CONFIG)
"""In the order in which they start."""

SOCKET_VOLUME: Final = "policy-socket"
AUDIT_VOLUME: Final = "policy-audit"
BUNDLES_VOLUME: Final = "policy-bundles"
CONFIG_VOLUME: Final = "policy-config"
SECRETS_VOLUME: Final = "policy-secrets"
TMP_VOLUME: Final = "policy-tmp"
TORCHSERVE_VOLUME: Final = "policy-torchserve"
GUARD_VOLUMES: Final = (
    SOCKET_VOLUME,
    AUDIT_VOLUME,
    BUNDLES_VOLUME,
    CONFIG_VOLUME,
    SECRETS_VOLUME,
    TMP_VOLUME,
    TORCHSERVE_VOLUME,
)

ADMIN_PORT_NAME: Final = "policy-admin"
OPA_DIAGNOSTIC_PORT: Final = 8282

CONFIG_FOLDER: Final = "/etc/model-policy-sidecar/config"
OPA_FILE: Final = f"{CONFIG_FOLDER}/opa.yaml"
SECRETS_FOLDER: Final = "/etc/model-policy-sidecar/secrets"
AUDIT_FOLDER: Final = "/var/lib/model-policy-sidecar"
BUNDLES_FOLDER: Final = "/var/lib/opa"
SOCKET_FOLDER: Final = "/run/policy"
OPA_SOCKET: Final = f"unix://{SOCKET_FOLDER}/opa.sock"
TORCHSERVE_FOLDER: Final = "/run/policy-torchserve"
