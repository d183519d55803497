"""Archives in S3 and what speaks like it, by s3fs.

Read `source`, then `options` (fs-args), `session` (no redirect is followed blindly) and `failures`.
"""
