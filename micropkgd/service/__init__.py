"""The daemon: what must be looked at and when, by whom it is asked, and what it says of itself.

`run` tells it from start to end; `supervisor` is the loop, the only one that knows all the others. `timing/` says
what is due, `watching/` which files matter, `passes` runs the same code as `reconcile --once` in threads (decision
0005) for `waiting_callers` too, `conditions` says what came of it (pure), `board` keeps it. `hooks/`, `http/` and
`sqs` talk to others; `client` asks a running service. `liveness`, `systemd_notify`, `pid1` and `backoff` are what
they stand on.
"""
