"""Planning: `desire` says which files each entry should have, `render` makes them of an archive.

A `desired` is one entry on the way: taken from the lock where that still answers, else `rendered`; `overlaps` refuses
two in one place, `leaving` says what becomes of blocks without an entry. `byte_store` keeps their bytes, out of memory
where they are many. `facts` gathers what stands there and what the lock says of it, `planner` decides (pure), `moves`
tells of an entry whose place changes, `renames` of files that upstream moved in it, `moved_here` of those that a person
moved (`rearranged`: as if the archive had them there), `sparse` keeps one of which git leaves files out of the
checkout, `backwards` of one that goes back to something older, `holds` keeps what waits for a person, `accepted`
carries on what somebody accepted, `beside` says what is laid for a person where an edit and a new version cannot be
joined (with markers: `marked`), `shared_files` follow from the new lock and `requirements_file` from what its entries
ask for (each a `whole_file`; `requirements_source` says whether lines can be added, `requirements_leftovers` whose
lines under an older name are, `requirements_group` writes to a PEP 735 group instead, `requirements_move` takes all
lines from one place to another). `proposal` asks them all for the whole plan, an entry at a time (`planned`): `moving`
takes an entry to its new place, `merging` joins edits and new versions, `relock` leaves the tree as it is.
So many beside each other: each answers one question about a plan, `proposal` alone asks them all.
"""
