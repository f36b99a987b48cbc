"""An open-loop load test of a guarded endpoint. Started by `bench/load`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from bench.open_loop import report
from bench.open_loop.calls import BAD, PATHS, Call, calls
from bench.open_loop.live import shown
from bench.open_loop.minting import tokens
from bench.open_loop.outcome import outcome
from bench.processes import BenchError
from bench.programs import found
from bench.vegeta import attack

COMMAND = "bench/load"


def main() -> int:
    """Prints the report; exit code 1 where no answer came to some request, 2 where nothing could be sent."""
    arguments = _arguments()
    try:
        sent = calls(_call(arguments), arguments.bad, arguments.bad_kinds)
        coming = attack(
            found("vegeta")["vegeta"], sent, arguments.rate, arguments.duration, timeout_s=arguments.timeout_s
        )
        answers = list(shown(coming, round(arguments.rate * arguments.duration)))
        result = outcome(answers)
    except (BenchError, OSError, ValueError) as error:
        print(f"load: error: {error}", file=sys.stderr)
        return 2
    command = shlex.join([COMMAND, *sys.argv[1:]])
    text = report.as_json if arguments.json else report.markdown
    print(text(result, command, arguments.rate))
    if arguments.plot:
        report.draw(answers, arguments.plot)
    return 1 if any(answer.status == 0 for answer in answers) else 0


def _call(arguments: argparse.Namespace) -> Call:
    headers = dict(line.split(": ", 1) for line in arguments.header)
    body = Path(arguments.body).read_bytes() if arguments.body else None
    return Call(
        url=arguments.url,
        protocol=arguments.protocol,
        model=arguments.model,
        data_versions=arguments.data_version,
        scope=arguments.scope,
        tokens=tokens(arguments),
        headers=headers,
        body=body,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("url", help="of the data port, such as http://127.0.0.1:8090")
    parser.add_argument("--rate", type=int, default=100, help="requests a second (default 100)")
    parser.add_argument("--duration", type=float, default=10.0, metavar="S", help="default 10")
    parser.add_argument("--timeout-s", type=float, default=30.0, help="of a request (default 30)")
    asked = parser.add_argument_group("what is asked")
    asked.add_argument("--protocol", choices=PATHS, default="v2")
    asked.add_argument("--model", default="credit")
    asked.add_argument("--data-version", nargs="+", default=[], help="of X-Data-Version, in turn")
    asked.add_argument("--body", help="a file; default: a row of 56 numbers")
    asked.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    asked.add_argument("--bad", type=float, default=0.0, help="share of bad calls, 0 to 1 (default 0)")
    kinds = ", ".join(f"{name} ({what})" for name, what in BAD.items())
    asked.add_argument("--bad-kinds", nargs="+", choices=BAD, default=list(BAD), metavar="KIND", help=f"of {kinds}")
    consent = parser.add_argument_group("consent tokens")
    consent.add_argument("--tokens", help="a file of them, one a line")
    consent.add_argument("--signing-key", help="the issuer's private key (PEM): tokens are made with it")
    consent.add_argument("--algorithm", default="RS256")
    consent.add_argument("--kid", help="the key's name in the key set")
    consent.add_argument("--issuer", default="https://consent.example")
    consent.add_argument("--audience", default="model-policy-sidecar")
    consent.add_argument("--scope", default="credit_scoring", help="of token and call")
    consent.add_argument("--groups", nargs="+", default=[], help="the claim `group`, in turn")
    consent.add_argument("--subjects", type=int, default=1_000, help="how many tokens (default 1000)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="latency over time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
