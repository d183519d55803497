"""The door: reads the command line, runs one command, says what came of it.

Read `parser` (what can be asked), `commands` (what is done), `output` (how it is said; pure), `logs`, `progress`.
Data goes to stdout, logs and progress to stderr.
"""
