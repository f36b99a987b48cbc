"""Fuzzes one target, or all of them in turn: `python -m tests.fuzz TARGET|all --seconds N`.

A finding is written to `tests/fuzz/findings/TARGET/`, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

FINDINGS = Path(__file__).parent / "findings"
INPUT_LIMIT_BYTES = 4_096
MEMORY_LIMIT_MIB = 2_048
LONGEST_S = 10
"""For one input; some hundred thousand fit into that."""


def fuzz(name: str, seconds: int) -> None:
    """Does not return: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["sidecar", "tests.fuzz"]):
        from tests.fuzz.targets import TARGETS

    target = TARGETS[name]
    findings = FINDINGS / name
    findings.mkdir(parents=True, exist_ok=True)
    corpus = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = {
        "max_total_time": seconds,
        "max_len": INPUT_LIMIT_BYTES,
        "rss_limit_mb": MEMORY_LIMIT_MIB,
        "timeout": LONGEST_S,
        "artifact_prefix": f"{findings}/",
        "print_final_stats": 1,
        "verbosity": 1,
    }
    arguments = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], target.check)
    atheris.Fuzz()


def fuzz_all(seconds: int) -> int:
    """Each target in a process of its own, with an even share of the time."""
    from tests.fuzz.targets import TARGETS

    share = max(1, seconds // len(TARGETS))
    failed = [name for name in TARGETS if subprocess.run(_command(name, share), check=False).returncode]
    print(f"fuzz: {len(TARGETS)} targets of {share} s each" + (f"; findings: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def _command(name: str, seconds: int) -> list[str]:
    return [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(seconds)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", help="a name in tests/fuzz/targets.py, or all")
    parser.add_argument("--seconds", type=int, default=60, help="how long, in total (60)")
    arguments = parser.parse_args()
    if arguments.target == "all":
        return fuzz_all(arguments.seconds)
    fuzz(arguments.target, arguments.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
