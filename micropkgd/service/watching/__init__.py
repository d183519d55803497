"""Watching: which files are watched, and what their changes mean.

`relevant_paths` says what of a project matters, `links` under which other names, and `known_paths` remembers it.
`events` watches folders by the kernel's `inotify`, and by `polling` where that cannot. `watched_projects` keeps the
folders of all projects watched, each once (`folder_owners`), and turns what happened into triggers.
"""
