"""The user's files: seen by `observe`, changed by `transaction` alone, through `fsops`.

Reading order: `root`, `project` and `layout` (where things are), `observe` (reads only), `fsops` (the only calls that
change a file), `hold`, `journal`, `transaction` and `kept` (one commit, and what it leaves), `state`, `settled`
and `settling` (what this machine remembers between passes).
"""
