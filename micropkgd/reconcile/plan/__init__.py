"""What must change: `desired` says which files each entry should have, `render` makes them of an archive.

`facts` gathers what stands there and what was put there, `planner` decides (pure), `merge` joins an edit and a new
version, `shared_files` follow from the new lock, and `proposal` holds the whole plan with the bytes that it needs.
"""
