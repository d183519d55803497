"""Settings and facts of this machine, with or without the service.

`places` says where the config, the socket and a service's memory are and imports next to nothing; `config` reads the
config, `config_check` notes what is suspicious in it (`hook_check`: in the argument list of a hook), `cron` reads a
schedule. What a service remembers over restarts is in `memory/`.
`projects` finds the folders that the config's paths and `globs` stand for, `trust` keeps those in which the service may
act, `own_projects` edits which ones the config names one by one, `shards` divides them among machines, `watches`
says how many folders one of them may have watched. `token` keeps the secret of the control API, `systemd_units` writes
the units of the user's service; all three are put in place by `replaced`. `git_identity` is who git says its user is.
`formatter` formats code before it is merged, `signer` signs what is published: `unasked` runs their programs, found
beside the project (`safe_path`).
So many beside each other: each keeps or does one thing for all projects, and knows none of the others' matters.
"""
