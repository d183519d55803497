"""What else can be asked of a project than a pass.

To look: `status`, `verify`, `why`, `diff`, `doctor`, `review` (before a project is trusted). To change:
`edit_manifest` (the rows of `pyproject.toml`), `migrate`, `suspend`, `pull_by_hand`, `rollback` with `reversals`,
`merge_driver` (for git). `naming` finds the entry that a person means.
"""
