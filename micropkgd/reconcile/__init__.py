"""The loop: bring one project into line with its manifest and lock.

Read `cycle` first: one pass, told in one function, as its `options` want it; what its steps need is `this_pass`.
`news` ends a pass by the record of the last one where nothing moved and no source has news; `undisturbed` is a look
between the commits of others.
Its phases are the folders, in order: `resolve`, `plan`, `commit`, `package`, `record`. The planner decides and touches
nothing; the transaction touches and decides nothing. What Kedro would make of the result is told by `kedro`.
"""
