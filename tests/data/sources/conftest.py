"""The tests in here belong to the sample projects: they are packaged, not run."""

collect_ignore_glob = ["*"]
