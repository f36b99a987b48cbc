"""The findings as tables for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from sidecar.demo.applications import INPUTS, LEFT_OUT
from sidecar.demo.fairness_text import show_fairness
from sidecar.demo.policy_data import BAND
from sidecar.demo.summary import OUT_OF_BAND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from sidecar.demo.summary import Added, Findings, Group

BARS = " ▁▂▃▄▅▆▇█"
BAND_REMARK = (
    f"That is the nature of a band of ±{BAND:.0%} around a group's mean: a model that tells people apart "
    "leaves it. Shadow such a rule before you enforce it."
)
LATENCY_TITLE = "[bold]Latency[/], one call at a time, {pairs} each way, each with a token never seen before"
AGREEMENT = (
    "[green]Checked:[/] every answer is in the trail with its status and reasons, every call met what it "
    "should, and the model server saw the forwarded calls and no other."
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the findings were made with, and where to look further."""

    training: int
    held_back: int
    area_under_roc: float
    approve_from: float
    engine: str
    policy_revision: str
    audit_dir: Path
    sidecar_command: str
    total_s: float


def show(findings: Findings, setting: Setting, console: Console) -> None:
    """Prints the whole report; it fits a terminal of 80 columns."""
    console.print()
    console.print(_introduction(setting))
    console.print("\n[bold]What became of the calls[/]")
    console.print(_outcomes(findings))
    console.print("[bold]Released predictions by protected group[/]")
    console.print(_groups(findings))
    _explain_groups(findings, console)
    show_fairness(findings.fairness, setting.audit_dir, setting.sidecar_command, console)
    console.print(LATENCY_TITLE.format(pairs=findings.latency.pairs))
    console.print(_latency(findings.latency))
    _show_trail(findings, setting, console)


def _introduction(setting: Setting) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row(
        "[bold]Model[/]",
        f"a logistic regression of {len(INPUTS)} inputs, trained on {setting.training:,} real mortgage "
        f"applications; area under ROC {setting.area_under_roc:.2f} on {setting.held_back:,} held back. It "
        f"approves scores from {setting.approve_from:.2f}: as many as the banks did",
    )
    table.add_row("[bold]Not shown[/]", LEFT_OUT)
    table.add_row("[bold]Engine[/]", f"{setting.engine}, policy revision {setting.policy_revision}")
    return table


def _table(*, show_footer: bool = False) -> Table:
    return Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False, show_footer=show_footer)


def _outcomes(findings: Findings) -> Table:
    table = _table(show_footer=True)
    table.add_column("outcome", footer="all", no_wrap=True)
    table.add_column("status", justify="right")
    table.add_column("calls", justify="right", footer=f"{findings.sent:,}")
    table.add_column("what was sent")
    table.add_row("[green]forwarded[/]", "200", f"{findings.forwarded:,}", "calls as they should be")
    for refusal in findings.refusals:
        codes = ", ".join(refusal.codes)
        table.add_row(f"[red]{codes}[/]", str(refusal.status), f"{refusal.count:,}", "; ".join(refusal.told))
    return table


def _groups(findings: Findings) -> Table:
    table = _table()
    table.add_column("\ngroup", no_wrap=True)
    for name in (
        "\nreleased",
        "\napproved",
        "by the\nbanks",
        "mean\nscore",
        "policy's\nmean",
        "outside\nits band",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("scores\n0 to 1", no_wrap=True)
    for group in findings.groups:
        table.add_row(*_group_row(group))
    return table


def _group_row(group: Group) -> tuple[str, ...]:
    return (
        group.name,
        f"{group.released:,}",
        f"{group.approved:.1%}",
        f"{group.bank_approved:.1%}",
        f"{group.mean_score:.3f}",
        f"{group.policy_mean:.3f}",
        f"{group.out_of_band:,} ({group.out_of_band / group.released:.0%})",
        bars(group.histogram),
    )


def bars(counts: Sequence[int]) -> str:
    """Counts as bars of eighths, the highest count full; a count above zero is always seen."""
    highest = max(counts, default=0) or 1
    return "".join(BARS[-(-count * (len(BARS) - 1) // highest)] for count in counts)


def _explain_groups(findings: Findings, console: Console) -> None:
    for found in findings.would_deny:
        console.print(
            f"[yellow]{found.rule}[/] is in shadow; enforced, it would have refused {found.count:,} of "
            f"{findings.forwarded:,} predictions ({found.code})."
        )
        if found.code == OUT_OF_BAND:
            console.print(BAND_REMARK)
    console.print()


def _latency(added: Added) -> Table:
    table = _table()
    table.add_column("")
    for name in ("direct", "with the sidecar", "added"):
        table.add_column(name, justify="right")
    for name, direct_ms, added_ms in (
        ("p50", added.direct_p50_ms, added.added_p50_ms),
        ("p99", added.direct_p99_ms, added.added_p99_ms),
    ):
        table.add_row(name, f"{direct_ms:.2f} ms", f"{direct_ms + added_ms:.2f} ms", f"{added_ms:.2f} ms")
    return table


def _show_trail(findings: Findings, setting: Setting, console: Console) -> None:
    console.print(f"The audit trail ({findings.records:,} records) is in {setting.audit_dir}")
    if findings.example_id:
        console.print("The story of one refusal:")
        command = f"{setting.sidecar_command} audit show {findings.example_id} {setting.audit_dir}"
        console.print(f"  {command}", soft_wrap=True)
    console.print("Every decision made again by the policy that made it:")
    console.print(f"  {setting.sidecar_command} audit replay {setting.audit_dir}", soft_wrap=True)
    if findings.differences:
        console.print("\n[red bold]Answers, audit trail and model server do not agree:[/]")
        for difference in findings.differences:
            console.print(f"  {difference}", markup=False)
    else:
        console.print(AGREEMENT)
    console.print(f"Done in {setting.total_s:.1f} s; nothing is left running.")
