"""The service over HTTP, on the unix socket and on TCP (docs/http.md).

`control` is what can be asked of projects, the same on both, with `held` (what waits for a person, and what they
decide) and `edits` (what was edited, the history, and the way back). `listener` and `connection` are the limits of
both. `unix_socket` opens the one of this user, and `own_socket` keeps it open. TCP, by the rules of docs/http.md, adds
`front` (who answers what), `guard` (who may ask, with `bucket`), `probes`, `metrics`, `webhooks`, `page` and `login`;
`answers` and `openapi` are shared.
So many beside each other: each is one thing that is asked or one limit, and a leaf that `front` alone puts together.
"""
