"""The memory that this machine has of a project between passes, in `.micropkgd/`; never committed, never needed.

`settled` lets a pass with nothing to do end at once, `settling` writes what it reads, and `listed` takes the files of a
lock from their lines by it. `state` is what passes learnt, `laid` what lies beside held entries, `pass_log` a page for
each pass that changed something, `suspension` what somebody asked to be left alone.
"""
