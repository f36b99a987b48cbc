"""The node of the test cluster: names of Services in pods."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.node.hosts import hosts_text

POD = {"metadata": {"namespace": "here", "name": "web-0"}, "status": {"podIP": "198.18.0.16"}}


def endpoint_slice(namespace: str, *endpoints: dict[str, Any], service: str = "web") -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": service}
    return {"metadata": {"namespace": namespace, "labels": labels}, "endpoints": list(endpoints)}


def test_names_stand_for_ready_endpoints() -> None:
    ready = {"addresses": ["198.18.0.17"], "conditions": {"ready": True}, "hostname": "web-0"}
    unready = {"addresses": ["198.18.0.18"], "conditions": {"ready": False}}
    slices = [endpoint_slice("here", ready, unready), endpoint_slice("there", {"addresses": ["198.18.0.19"]})]
    assert hosts_text(POD, [*slices, {"metadata": {"namespace": "here"}, "endpoints": None}]).splitlines() == [
        "127.0.0.1 localhost",
        "198.18.0.16 web-0",
        "198.18.0.17 web.here.svc.cluster.local web.here.svc web.here web"
        " web-0.web.here.svc.cluster.local web-0.web.here.svc web-0.web.here web-0.web",
        "198.18.0.19 web.there.svc.cluster.local web.there.svc web.there",
    ]
