"""Load scripts: what the sidecar costs, beside what, and why. README.md lists them; the product needs nothing of this.

Shared: `workload.py` (what is asked and answered), `tokens.py` and `series.py` (the same with 10,000 subjects, by wrk),
`vegeta.py` (a constant rate), `processes.py` and `stack.py` (what runs, and its cost), `programs.py`, `machine.py`,
`figures.py`. A package for each larger script: `comparison` (`bench/peers`), `layering` (`bench/layers`), `open_loop`
(`bench/load`), `costs` (`bench/micro`). Linux only: cost is read from /proc.
"""
