"""`sidecar check`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

import click

from sidecar.cli.options import read_settings, settings_options
from sidecar.settings import Settings

EPILOG = """\b
Examples:
  sidecar check --config sidecar.yaml
  sidecar check --upstream http://127.0.0.1:8080 --server triton --data data.json --consent-keys jwks.json \\
      --consent-issuer https://issuer.example --consent-audience credit --json

Exit codes: 0 would start, 1 would start but refuse requests (a guard is absent, or a rule named that no guard has),
2 would not start.
"""


@click.command("check", epilog=EPILOG)
@settings_options(Settings)
@click.option("--json", "as_json", is_flag=True, help="For a machine.")
def command(*, as_json: bool, **flags: Any) -> None:
    """Check settings, policy, data and keys as `run` would at its start, without serving or writing anything."""
    settings = read_settings(Settings, flags)
    found = asyncio.run(_look(settings))
    click.echo(json.dumps(found) if as_json else _text(found))
    sys.exit(2 if found["problems"] else 1 if found["refusing_because"] else 0)


async def _look(settings: Settings) -> dict[str, Any]:
    from sidecar.app.policy_room import policy_room  # noqa: PLC0415
    from sidecar.app.rooms import consent_room, opened  # noqa: PLC0415
    from sidecar.app.status import models, refusing  # noqa: PLC0415
    from sidecar.model.clock import SystemClock  # noqa: PLC0415
    from sidecar.policy.events import NoEvents  # noqa: PLC0415

    problems: list[str] = []
    found: dict[str, Any] = {
        "problems": problems,
        "engine": None,
        "revision": None,
        "models": {},
        "refusing_because": [],
    }
    async with contextlib.AsyncExitStack() as stack:
        policy = await opened(stack, policy_room(settings, SystemClock(), NoEvents()), problems)
        await opened(stack, consent_room(settings, SystemClock()), problems)
        if policy is not None:
            seen = policy.status()
            problems += seen.last_error
            found |= {
                "engine": seen.engine,
                "revision": seen.revision,
                "models": models(policy.facts),
                "refusing_because": refusing(policy.facts),
            }
    return found


def _text(found: dict[str, Any]) -> str:
    lines = [f"problem: {problem}" for problem in found["problems"]]
    lines += [f"finding: {reason}" for reason in found["refusing_because"]]
    if not lines:
        lines.append(f"good: policy {found['revision']} in the {found['engine']} engine")
    for name, model in found["models"].items():
        modes = ", ".join(f"{rule} {mode}" for rule, mode in model["rules"].items())
        lines.append(f"model {name}: {modes}")
    return "\n".join(lines)
