"""The user's files: seen by `observe`, changed by `transaction` alone, through `fsops`.

Reading order: `root`, `project` and `layout` (where things are) with `reading` and `settings/`, `git` (what git says
of the work tree) with `git_head` and `git_store` (what is committed), `observe` (reads only), `fsops` (the only calls
that change a file) with `trees` and `record` (a file of our own, replaced at once), `birth` (which of two folders at
one path this is), `process_lock`, `lost_rows` (a slip in the manifest removes nothing), `new_folders` (nor makes one
unsaid), `transaction/` (one commit, and what it leaves), `memory/` (what this machine remembers between passes).
"""
