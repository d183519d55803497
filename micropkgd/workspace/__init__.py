"""The user's files: seen by `observe`, changed by `transaction` alone, through `fsops`.

Reading order: `project` (where things are), `observe` (reads only), `fsops` (the only calls that change a file),
`journal` and `transaction` (one commit), `state` (what this machine remembers between passes).
"""
