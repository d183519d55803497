"""The loop: bring one project into line with its manifest and lock.

Read `cycle` first: one pass, told in one function. Then `resolve` (which archive answers an entry) with `full_check`,
`desired` and `render` (what files it should have), `facts`, `planner` and `propose` (what must change) with `merge`
and `shared` (files with several owners), `carry_out` with `staged` (what may object), `report`, `remember` and
`account`. `package/` makes archives; `by_hand`, `rollback`, `suspend`, `migrate`, `inspect` and `doctor` are what else
can be asked of a project.
The planner decides and touches nothing; the transaction touches and decides nothing.
"""
