"""The costs that matter, kept from commit to commit. Started by `bench/micro`.

`instructions.py` counts what a real `sidecar run` executes for an exchange, by callgrind: the same on a busy machine as
on an idle one. `stages.py` times the stages of exchanges as their records tell them, `parts.py` what the policy and the
reading of a body take by themselves. `history.py` keeps the figures and finds what got dearer.
"""
