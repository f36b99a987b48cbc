"""`sidecar audit report`: its options, its words and its exit code."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import policy_data
from tests.unit.cli.audit.calls import audit
from tests.unit.evidence.fairness.predicted import BEGINS_UNIX_S, Predicted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def predicted(tmp_path: Path) -> Path:
    """An audit folder with 100 predictions, a second apart."""
    log = Predicted(tmp_path)
    log.keep_policy()
    log.stream(100)
    log.close()
    return log.audit_dir


def test_people_see_plot_and_tables(predicted: Path) -> None:
    shown = audit("report", "--fairness", predicted)
    assert shown.exit_code == 0
    assert shown.output.startswith("credit: 100 predictions, ratio ")
    for part in ("┄ the limit", "  demographic parity difference  0.6", "\n200 records looked at\n"):
        assert part in shown.output


def test_machines_get_one_document(predicted: Path) -> None:
    shown = audit("report", "--fairness", predicted, "--json")
    (model,) = json.loads(shown.stdout)["models"]
    assert [(row["group"], row["n"]) for row in model["groups"]] == [("a", 75), ("b", 25)]
    assert (model["alpha"], model["epoch_s"], model["limit"]) == (0.01, 86_400, 1.5)


def test_groups_and_limit_may_come_from_a_file_and_terms_from_flags(predicted: Path, tmp_path: Path) -> None:
    data = tmp_path / "other.json"
    data.write_text(json.dumps(policy_data(BEGINS_UNIX_S, groups=["b"], disparate_impact_max=2.0)))
    flags = ["--data", data, "--window-epoch", "1h", "--window-alpha", "0.05"]
    (model,) = json.loads(audit("report", "--fairness", predicted, *flags, "--json").stdout)["models"]
    assert [row["group"] for row in model["groups"]] == ["b", "unknown"]
    assert (model["alpha"], model["epoch_s"], model["limit"]) == (0.05, 3_600, 2.0)


def test_the_ratio_is_that_of_the_longest_span(predicted: Path) -> None:
    log = Predicted(predicted.parent, "longer")
    log.keep_policy()
    log.stream(200)
    log.clock.advance(7_200)
    log.stream(40, favoured=0.5, other=0.5)
    log.close()
    ratios = [
        json.loads(audit("report", "--fairness", log.audit_dir, "--window-spans", spans, "--json").stdout)["models"][0][
            "points"
        ][-1]["ratio"]
        for spans in ("15m,1d", "1m,1h")
    ]
    assert ratios[0] > 2 > ratios[1]


def test_several_folders_count_as_one(predicted: Path, tmp_path: Path) -> None:
    other = Predicted(tmp_path, "other")
    other.stream(100)
    other.close()
    shown = audit("report", "--fairness", predicted, other.audit_dir, "--json")
    assert [model["predictions"] for model in json.loads(shown.stdout)["models"]] == [200]
    twice = audit("report", "--fairness", predicted, predicted / "0", "--json")
    assert [model["predictions"] for model in json.loads(twice.stdout)["models"]] == [100]


def test_true_outcomes_come_from_a_file(predicted: Path, tmp_path: Path) -> None:
    ids = [
        json.loads(line)["decision_id"] for line in audit("export", predicted).output.splitlines() if "INTENT" in line
    ]
    labels = tmp_path / "labels.csv"
    labels.write_text("decision_id,label\n" + "".join(f"{each},1\n" for each in ids))
    shown = audit("report", "--fairness", predicted, "--labels", labels)
    assert "  equalized odds difference" in shown.output
    assert "  with 100 true outcomes of 100\n" in shown.output


def test_a_picture_is_drawn_where_it_is_asked_for(predicted: Path, tmp_path: Path) -> None:
    assert audit("report", "--fairness", predicted, "--plot", tmp_path / "fairness.png").exit_code == 0
    assert (tmp_path / "fairness.png").read_bytes().startswith(b"\x89PNG")


def test_only_some_time_can_be_looked_at(predicted: Path) -> None:
    shown = audit("report", "--fairness", predicted, "--since", "2026-11-21T22:27:41Z", "--json")
    assert [model["predictions"] for model in json.loads(shown.stdout)["models"]] == [40]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model", "other"], "no prediction of other was judged"),
        (["--until", "2026-11-20"], "no prediction was judged"),
    ],
)
def test_without_a_prediction_there_is_nothing_to_tell(predicted: Path, flags: list[str], said: str) -> None:
    shown = audit("report", "--fairness", predicted, *flags)
    assert (shown.exit_code, said in shown.stderr) == (1, True)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "Missing option '--fairness'"),
        (["--fairness", "--window-epoch", "soon"], "'soon' is not a duration"),
        (["--fairness", "--window-epoch", "none"], "not a duration"),
        (["--fairness", "--window-spans", "1h,never"], "'never' is not a duration"),
        (["--fairness", "--window-alpha", "1"], "--window-alpha"),
        (["--fairness", "--labels", "{bad}"], "bad, line 1: neither JSON lines nor a .csv file"),
        (["--fairness", "--data", "{bad}"], "bad is no data document"),
        (["--fairness", "--plot", "{bad}.docx"], "--plot: Format 'docx' is not supported"),
    ],
)
def test_bad_usage_is_told(predicted: Path, tmp_path: Path, flags: list[str], said: str) -> None:
    (tmp_path / "bad").write_text("bad")
    shown = audit("report", predicted, *(flag.replace("{bad}", str(tmp_path / "bad")) for flag in flags))
    assert (shown.exit_code, said in shown.stderr) == (2, True), shown.output


def test_a_log_without_a_policy_asks_for_data(tmp_path: Path) -> None:
    log = Predicted(tmp_path)
    log.close()
    shown = audit("report", "--fairness", log.audit_dir)
    assert (shown.exit_code, "name its data with --data" in shown.stderr) == (2, True)


def test_no_log_is_told(tmp_path: Path) -> None:
    shown = audit("report", "--fairness", tmp_path)
    assert (shown.exit_code, "holds no log" in shown.stderr) == (2, True)


def test_a_picture_without_matplotlib_says_what_to_install(predicted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    shown = audit("report", "--fairness", predicted, "--plot", "x.png")
    assert (shown.exit_code, "pip install 'model-policy-sidecar[plot]'" in shown.stderr) == (2, True)
