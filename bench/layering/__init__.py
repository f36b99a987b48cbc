"""What each layer of the sidecar adds, and what disturbances do. Started by `bench/layers`.

`layers.py` says what runs in which order, `measuring.py` measures it in turns, `disturbing.py` disturbs a sidecar under
a constant load, `report.py` writes it down.
"""
