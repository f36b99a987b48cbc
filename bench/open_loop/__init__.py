"""A load test of any guarded endpoint. Started by `bench/load`.

`calls.py` says what is sent, `minting.py` where tokens come from, `outcome.py` what came of it; `live.py` shows it
while it runs, `report.py` afterwards. The requests are sent by vegeta (bench/vegeta.py), at a constant rate: who waits
for answers before asking again (a closed loop) asks least when it hurts most.
"""
