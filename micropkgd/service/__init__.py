"""The daemon: what must be looked at and when, by whom it is asked, and what it says of itself.

`agenda`, `backoff`, `conditions` and `schedule` decide and reach no clock; `supervisor` is the only one that knows all
the others. A pass is the same code as `reconcile --once`, run in a thread (decision 0005).
"""
