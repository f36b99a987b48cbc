"""Coverage-guided fuzzing of everything that reads bytes from outside.

    python -m tests.fuzz TARGET --seconds N      (scripts/test --all runs all of them for a minute in total)

`targets.py` says what each target may do with any bytes: raise what it declares, and nothing else. What a run finds
goes into `findings/TARGET/` and stays there as a regression test, by `test_targets.py`.
"""
