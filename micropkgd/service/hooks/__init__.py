"""Hooks: who is asked and told when something happens (docs/hooks.md): commands, a web address, a touched file.

`service_hooks` is the front. `gate` asks before a commit and may refuse it; `notifications` tells afterwards, each
thing at least once (`ledger`) and none at the cost of a pass, `occasions` says what of a pass is told. `command` and
`web` are the two ways out of the process.
"""
