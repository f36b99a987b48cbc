"""The node of the test cluster: security contexts."""

from __future__ import annotations

import pytest

from tests.kubernetes.node.security import DEFAULT_CAPABILITIES, NotAllowed, Security, security


def test_a_container_of_no_context_runs_as_its_image_says() -> None:
    assert security({}, {}, image_user=1000) == Security(
        uid=1000,
        gid=0,
        groups=(),
        capabilities=DEFAULT_CAPABILITIES,
        no_new_privileges=False,
        read_only_root=False,
        is_confined=False,
        is_privileged=False,
    )


def test_a_containers_context_stands_over_its_pods() -> None:
    pod = {"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3, "seccompProfile": {"type": "RuntimeDefault"}}
    own = {
        "runAsUser": 65532,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
    }
    assert security({"securityContext": pod}, {"securityContext": own}, image_user=0) == Security(
        uid=65532,
        gid=2,
        groups=(3,),
        capabilities=frozenset({"NET_BIND_SERVICE"}),
        no_new_privileges=True,
        read_only_root=True,
        is_confined=True,
        is_privileged=False,
    )


def test_root_is_refused_where_the_spec_forbids_it() -> None:
    with pytest.raises(NotAllowed, match="runAsNonRoot"):
        security({"securityContext": {"runAsNonRoot": True}}, {}, image_user=0)
