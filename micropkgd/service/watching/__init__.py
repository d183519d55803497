"""Watching: which files are watched, and what their changes mean.

`relevant_paths` says what of a project matters, `events` watches folders for any number of projects (with `polling`
where the system cannot), `watched_projects` turns what happened into triggers.
"""
