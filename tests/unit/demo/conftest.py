"""What the demo's tests share: the real applications and the model trained on half of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.demo.applications import Application, load, split
from sidecar.demo.training import train

if TYPE_CHECKING:
    from sidecar.demo.credit_model import CreditModel

SEED = 1990


@pytest.fixture(scope="session")
def applications() -> list[Application]:
    return load()


@pytest.fixture(scope="session")
def training(applications: list[Application]) -> list[Application]:
    return list(split(applications, SEED)[0])


@pytest.fixture(scope="session")
def held_back(applications: list[Application]) -> list[Application]:
    return list(split(applications, SEED)[1])


@pytest.fixture(scope="session")
def model(training: list[Application]) -> CreditModel:
    return train(training)
