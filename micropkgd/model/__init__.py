"""The words of micropkgd as frozen values: no clock, disk, network or log is reached from here.

Reading order: `tree` (paths and digests), `ref`, `layout`, `manifest`, `lock`, `plan`, `condition`,
`outcome`.
Values are `NamedTuple`s (docs/decisions/0001): a second constructor (`parse`, `from_mapping`) checks, the plain one
does not.
"""
