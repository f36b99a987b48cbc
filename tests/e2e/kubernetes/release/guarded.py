"""A workload whose pod is ready, and what it makes of good and bad calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.kubernetes.release.release import MODELS
from tests.e2e.kubernetes.release.workloads import good, pods_of
from tests.process import fetch
from tests.steps import step

if TYPE_CHECKING:
    from tests.e2e.kubernetes.release.release import Release
    from tests.e2e.kubernetes.release.workloads import Workload
    from tests.process import Answer

ADMIN_PORT = 8091
VERDICTS: dict[str, tuple[int, list[str]]] = {
    "good": (200, []),
    "stale": (403, ["data_stale"]),
    "unknown": (403, ["data_version_unknown"]),
    "marketing": (403, ["consent_scope_mismatch"]),
    "no token": (401, ["consent_missing"]),
    "out of the band": (403, ["score_out_of_band"]),
}
"""Status and reasons of `Guarded.verdicts`, whatever the model server and the engine are."""


class Guarded:
    """One pod, reached by its address."""

    def __init__(self, release: Release, workload: Workload) -> None:
        self.release = release
        self.workload = workload
        with step(f"{workload.name}: {workload.image} is guarded and ready"):
            workload.roll_out(release.cluster)
        [self.pod] = pods_of(release.cluster, workload)
        self.address: str = self.pod["status"]["podIP"]

    def call(self, score: float = 0.5, **headers: str) -> Answer:
        token = headers.pop("token", None) or self.release.issuer.token()
        return self.workload.call(self.release.cluster, token, score, **headers)

    def exposed(self) -> set[int]:
        """The ports by which the sidecar itself finds the model reachable past it."""
        found = self.metric("sidecar_model_exposed")
        assert found != {}
        return {int(labels.split('"')[1]) for labels, value in found.items() if value == 1}

    def admin(self, path: str) -> Answer:
        return fetch(f"http://{self.address}:{ADMIN_PORT}{path}")

    def verdicts(self) -> dict[str, tuple[int, list[str]]]:
        answers = {
            "good": self.call(),
            "stale": self.call(X_Data_Version="stale"),
            "unknown": self.call(X_Data_Version="unheard-of"),
            "marketing": self.call(token=self.release.issuer.token(scope="marketing")),
            "no token": fetch(
                f"http://{self.address}:{self.workload.port}{self.workload.path}",
                self.workload.body(0.5),
                **good("", X_Consent_Token=""),
            ),
            "out of the band": self.call(0.9),
        }
        return {name: (answer.status, [] if answer.status == 200 else answer.codes) for name, answer in answers.items()}

    def metric(self, name: str) -> dict[str, float]:
        """By what stands between the braces."""
        page = self.admin("/metrics").body.decode()
        found = (line.removeprefix(name).rpartition(" ") for line in page.splitlines() if line.startswith(f"{name}{{"))
        return {labels.strip("{}"): float(value) for labels, _, value in found}

    def delete(self) -> None:
        words = ["deployment,service", self.workload.name, f"--namespace={MODELS}", "--wait=false"]
        self.release.cluster.kubectl("delete", *words)
