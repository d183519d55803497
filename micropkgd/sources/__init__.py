"""Bytes from elsewhere: each source can probe and fetch one kind of ref, and says why it cannot.

Reading order: `source` (the words every source answers in), `cache`, `local`, `http`, then `gather`, which asks
many sources at once. Sources do not know each other; heavy libraries are imported when a ref needs them.
"""
