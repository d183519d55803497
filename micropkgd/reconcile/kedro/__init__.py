"""Tells what Kedro would refuse or overlook in a project before somebody runs it. Nothing of the project is run.

Read `tree_after` (the files as a pass leaves them), then the three questions: `config_keys` (keys that stand twice in
one environment), `discovery` (pipelines that `find_pipelines` does not find) and `broken_imports` (imports of modules
or names that are not there); `remarks` asks them for the entries that a pass has written.
"""
