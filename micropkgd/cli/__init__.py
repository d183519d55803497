"""The door: reads the command line, runs one command, says what came of it.

Read `run`, `everyday` (the short way), `execute` (the whole way), `parser` (what can be asked), `commands/` (what is
done), `session` (the passes of one command), `output` (how it is said; pure), `logs`, `progress`.
Data goes to stdout, logs and progress to stderr.
"""
