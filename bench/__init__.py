"""Load scripts. `quick` measures the sidecar's own cost on one workload, against none at all; `audit` what the log
takes of it; `protocols` what large bodies cost.

`workload.py` is what is asked and answered, `stack.py` starts the processes and reads their cost, `load.py`
drives wrk and prints the table. Linux only: cost is read from /proc.
"""
