"""Bytes from elsewhere: each source can probe and fetch one kind of ref, and says why it cannot; some can store, too.

Reading order: `source` (the words every source answers in), `abilities` (what only some can do), `cache`, `local` and
`near`, then `gather`, which asks many sources at once, with `kinds` (what fetches which ref), `together` (what is
asked once for many) and `loop` (the bridge from threads), `foreign` (code that may hang), `allowed`, which says what
must not be asked, and `ambient`, which says who may not have this machine's logins, and `hosts` and `rate_limit`,
which hold the service back; `least_speed` gives up what comes too slowly, `late` lets a pass go on without it.
`sshsig` checks signatures, `attestations` those of indexes, `remote_cache` is shared with other machines, and
`announced` says which of its archives stands somewhere; `traffic` counts. `http/`, `s3/`, `gcs/`, `index/` and `other`
reach a network; what they share is `retry`, `download`, `upload`, `clients`, `buckets`, `fs_args` and `redaction`.
Heavy libraries are imported when a ref needs them; `drivers` says which are installed.
So many beside each other: what reaches a network has rooms of its own; what is left are the small rules that all of
them keep, which any two of them share in another way.
"""
