"""`sidecar registry serve` as a process: its settings (`settings`), parts out of them with every problem at once
(`starting`), and those parts at work until a signal (`running`).

The composition root: it may import all of `registry`, and nothing of it imports this.
"""
