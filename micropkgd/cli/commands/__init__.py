"""The commands, a module for those that belong together; only the one that was asked for is imported.

Passes: `reconcile`, `pull`, `package`, `publish`, `lock`, `resolve` and `join`, `diff`, `verify`, `rollback`. Edits:
`accept`, `patch` (homeward). The manifest: `init`, `add`, `remove`, `migrate`. To look: `status`, `outdated`, `why`,
`history`, `events`, `doctor`, `cache`, `export`. The service: `serve` (it is `reconcile` without
`--once`), `service` (its unit; `own_projects` of its config), `trigger`, `suspend`, `trust`, `health`, `token`,
`ui` (the page), `config`.
For a shell: `completion`. To learn: `explain`.
So many beside each other: it is the list of commands.
"""
