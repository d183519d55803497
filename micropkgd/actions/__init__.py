"""Requests to a project other than a pass.

To look: `status` with `settled_status`, `outdated`, `verify` with `verify_whole` (both come to a `verification`),
`why`, `diff`, `edits`, `history`, `doctor` (each answer is a `finding`; `machine_check`, `requirements_check`,
`kedro_check` and `service_check` are some of its questions), `review` (before a project is trusted). To change:
`edit_manifest` (the rows of `pyproject.toml`), `keep_deleted` (one option of them), `settle` (what is held;
`held_texts` shows it, `merge_work` is what a person makes of it, `resolving` makes a pass of the word on it), `accept`
(edits), `migrate`, `suspend`, `pull_by_hand`, `rollback` with `reversals`, `merge_driver` (for git). To carry edits
home: `patch` with `entry_edits` (what was edited), `homeward` (as it is where the module lives) and `git_patch` (as git
writes it). To tell other programs: `copied` (what is here), written as a `pylock` or in the words of `cyclonedx`.
`naming` finds the entry that a person means. To begin: `init` with `package_guess`, and the `members` of a workspace
(by `folder_search`). To tell the makers: `bug_report`.
So many beside each other: each is the whole of one command, and none knows another.
"""
