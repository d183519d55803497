"""What else can be asked of a project than a pass.

To look: `status`, `verify`, `why`, `diff`, `doctor`. To change: `edit_manifest` (the rows of `pyproject.toml`, and what
a person may call an entry), `migrate`, `suspend`, `pull_by_hand`, `rollback` with `reversals`.
"""
