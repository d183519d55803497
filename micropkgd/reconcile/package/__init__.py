"""Turn modules of a project into archives, and release them.

The old archive stands until the new one is whole; equal bytes are not written; what is wrong with one module is its
own failure, and its last good archive stays. Nothing is imported or run. Read `entries` (the story) and `jobs` (names
and places; `likely` is which module was meant); `make` with `inputs`, `walk` and `still` (finding and reading the
files), `travel`, `names`, `ignore`, `git_rules` and `nesting` (which of them go along); `version` with `static_text`
(what is stated, wherever that leads), `metadata` and `build` (the archive's members, one by one), `spellings` (what
would be lost on the way home), `spool` and `place` (onto the disk), `record` (what the next pass compares). Then
`offers` (what is released, and when), `committed` (whether it is what git's HEAD has), `release` (the decision), and
`publish` with `same_release` (what is no news), `replaced` (copies of what it replaced) and `signing`.
So many beside each other: they are the steps of one story, in that order; a pass that packages nothing imports three.
"""
