"""The service over HTTP, on the unix socket and on TCP (docs/http.md).

`control` is what can be asked of projects, the same on both; `unix_socket` is the door of this user. TCP, by the
rules of docs/http.md, adds `front` (who answers what), `listener` and `connection` (limits), `guard`
(who may ask, with `bucket`), `probes`, `metrics`, `webhooks`, `page`; `answers` and `openapi` are shared.
"""
