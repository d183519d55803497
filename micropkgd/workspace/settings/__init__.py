"""Reads the config folders from a Kedro project's `settings.py`, by its syntax tree: it is never run (promise P5).

Read `reader` (statement by statement), then `values` (what an expression comes to). Pure, but for the names that Python
gives its own modules.

Rule: what is made in a way that is not followed here is not guessed at. It is unknown, with its line, and whoever
needs it must be told.
"""
