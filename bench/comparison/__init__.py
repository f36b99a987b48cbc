"""The sidecar beside its peers, in one run, on one workload, with the same facts judged. Started by `bench/peers`.

`stacks.py` says which stacks there are; `ours.py`, `envoy.py`, `skipper.py` and `obvious.py` start them; the `.rego`
files are what the peers judge by. `measuring.py` measures in turns, `goals.py` holds the ratios against what is to be
reached, `report.py` writes it down. Peers are other people's programs: nothing of them is kept here.
"""
