"""Who is asked and told when something happens: commands, a web address, a touched file (docs/hooks.md).

`gate` asks before a commit and may refuse it; `errands` tells afterwards, each thing at least once and none at the
cost of a pass; `command` and `web` are the two ways out of the process.
"""
