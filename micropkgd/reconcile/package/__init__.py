"""Turn modules of a project into archives.

The old archive stands until the new one is whole; equal bytes are not written; what is wrong with one module is its own
failure, and its last good archive stays. Nothing is imported or run.
Read `entries` (the story), `jobs` (names and places), `make` with `inputs` (what travels), `metadata`, `names` and
`build` (the archive's members), `place` (onto the disk), `record` (what the next pass compares).
"""
