"""Releases in package indexes that speak the Simple API.

Read `source`, `search` (what was seen before), `select` (the choice; pure), `simple_api` (pages; pure), `login`.
"""
