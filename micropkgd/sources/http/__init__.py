"""Archives over http and https, by aiohttp.

Read `source` (what the loop asks), `client` (one request and its redirects), `archive` (what an answer brings), then
`options`, `environment` (proxies and netrc), `conditions`, `redirects`, `private` (who is not asked on a server's word)
and `failures`.
"""
