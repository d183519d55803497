"""The door: reads the command line, runs one command, says what came of it.

Read `run`, then `everyday` (the short way; `lines` is all that it says), `execute` (the whole way), `parser` with
`arguments` and `parser_service` (what can be asked), `commands/` (what is done, one module a command), `passes` and
`reach` (the passes of one command, and what they fetch with), `machine` (what the config and the service mean for it),
`merge_tool` (what a person joins two sides in) and `signer`, by `programs` of this machine, `say` with `output`,
`hints`, `output_package`, `output_diff`, `output_summary` and `output_status` (how it is said; pure). `paths`,
`streams`, `logs`, `progress` and `signals` are what they stand on.
Data goes to stdout, logs and progress to stderr.
So many beside each other: half of them are split off so that `--version` and the short way import nothing of the rest.
A command line in plain form is read by `plain_arguments`, any other by `command_parser`, with `examples` in its help;
`command_tree` is the same as values, for `completions` (with `argument_names`) and the `manual`. A person is asked by
`ask`, and shown `explanations` of errors and a `status_table` with `ages` on a `terminal`.
`json_schemas` describes what `--json` prints.
"""
