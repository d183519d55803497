"""Releases that answer a requirement: in package indexes that speak the Simple API, and in folders of archives.

Read `search` (what is wished, and what was seen before), `select` (the choice; pure), then for pages `simple_api`
(pure), `asked`, `source`, `login` and `upload`, and for folders `folder` (the choice among what is listed) and `places`
(on disk and in buckets).
"""
