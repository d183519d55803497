"""The daemon: what must be looked at and when, by whom it is asked, and what it says of itself.

In reading order: `run` tells it from start to end, `one_service` that there is one. `supervisor` is the loop: it
takes what is due from `timing/`, lets `passes` run it (the same code as `reconcile --once`, decision 0005), and does
what `conclusion` says follows from it. `fleet` says which projects there are, and `watching/` which of their files
changed. `conditions` says how a project stands (pure), `board` keeps it and tells events. `waiting_callers` are those
who wait for a pass. `hooks/`, `http/` and `sqs` talk to others; `client` asks a running service. `liveness`,
`systemd_notify`, `unix_connection` and `pid1` are what they stand on.

One thread, the loop's, decides everything and owns every value here. Others do what takes time, and come back to it:

| who calls back           | whom, with what                              | on which thread                            |
|--------------------------|----------------------------------------------|--------------------------------------------|
| the kernel's file events | `Fleet._ask` by the watch: a project, why    | the loop; it was armed on a thread `disk`  |
| the watch                | `Fleet`: newcomers, overflow, degraded       | the loop                                   |
| `Fleet`                  | `Supervisor`: something is due, or went      | the loop; it searched on a thread `disk`   |
| `Passes.run`             | `Supervisor._work`: outcome, relevant paths  | the loop; the pass ran on a thread `pass`  |
| a pass                   | `Passes`: it waits for a source, or no more  | `pass`, and handed over to the loop        |
| a pass                   | `hooks.gate`: may this be committed?         | `pass`, which waits for the loop to ask    |
| a pass, a download       | `Liveness`: it gets on                       | `pass` or the loop; read by any            |
| `sources.hosts`          | `Supervisor._host_is_back`                   | the loop, where all network is             |
| `sources.late`           | `Supervisor._download_ended`: a project      | the loop, where all network is             |
| `Queues`                 | `Supervisor._object_changed`, awaited        | the loop                                   |
| `Board.say`              | the log, `hooks.post`, `Metrics`, followers  | the loop, at once                          |
| `hooks.notifications`    | `Board.say`: how a hook ended                | the loop                                   |
| signals                  | `run`: end, reload, trigger                  | the loop                                   |
"""
