"""The loop: bring one project into line with its manifest and lock.

Read `cycle` first: one pass, told in one function. Then `resolve` (which archive answers an entry), `render` (what
files it should have), `planner` (what must change), `merge`, `shared` (files with several owners), `outcome`.
The planner decides and touches nothing; the transaction touches and decides nothing.
"""
