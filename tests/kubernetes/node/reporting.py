"""Statuses of pods, told to the API server when they have changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import urllib3

from tests.kubernetes.node.api import STRATEGIC_MERGE, ApiError
from tests.kubernetes.node.times import now_text

if TYPE_CHECKING:
    from tests.kubernetes.node.api import Api, Json

log = logging.getLogger(__name__)


class Reporter:
    """Remembers what it has told, and since when each condition holds."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._reported: dict[str, Json] = {}

    def report(self, pod: Json, status: Json) -> None:
        """What the API server does not take is told again at the pod's next step."""
        uid = pod["metadata"]["uid"]
        before = self._reported.get(uid, {})
        known = {each["type"]: each for each in before.get("conditions", [])}
        timed = {
            **status,
            "startTime": before.get("startTime", now_text()),
            "conditions": [_timed(each, known.get(each["type"], {})) for each in status["conditions"]],
        }
        if timed == before:
            return
        try:
            body = {"metadata": {"uid": uid}, "status": timed}
            self._api.patch(f"{pod_path(pod)}/status", body, STRATEGIC_MERGE)
        except (ApiError, urllib3.exceptions.HTTPError) as error:
            log.info("status of %s: %s", pod["metadata"]["name"], error)
        else:
            self._reported[uid] = timed

    def report_failure(self, pod: Json, error: Exception) -> None:
        """What went wrong in the node itself."""
        self.report(pod, {"phase": "Failed", "reason": "NodeError", "message": repr(error), "conditions": []})

    def forget(self, pod: Json) -> None:
        """It is gone."""
        self._reported.pop(pod["metadata"]["uid"], None)


def pod_path(pod: Json) -> str:
    """Of the object in the API."""
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def _timed(condition: Json, known: Json) -> Json:
    since = known["lastTransitionTime"] if known.get("status") == condition["status"] else now_text()
    return {**condition, "lastTransitionTime": since}
