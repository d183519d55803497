"""A declarative sync daemon for Kedro micro-packages.

Read `errors`, then `model/` (the words), then `reconcile/` (`cycle` tells one pass in one function). From there down:
`sources/`, `sdist/`, `relocate/`, `merge/`, `workspace/`, `documents/`, `folders`, `drafts`, `clock`, `named_tuples`,
`annotations`, `finder`. From there up: `actions/`, `machine/`, `service/`, `cli/`, `kedro_plugin`. Imports point down
(docs/architecture.md).
"""

__version__ = "0.2.0"
