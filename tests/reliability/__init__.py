"""What survives what: properties that are checked under faults, kills and load, and a verdict from outside.

`python -m tests.reliability` runs them; `tests/reliability/properties` has one file for each.
"""
