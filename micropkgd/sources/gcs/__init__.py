"""Archives in Google Cloud Storage; gcsfs lends credentials and connections.

Read `source`, then `client` and `options` (fs-args).
"""
