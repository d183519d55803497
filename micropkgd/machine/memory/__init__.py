"""The memory of the one service of a config, in a folder beside its lock: `places.memory_place` says where.

`event_log` keeps what happened, `standing_memory` how each project stood when that was told. Neither keeps anybody from
work: a disk that refuses, and a file that cannot be read, cost memory alone.
"""
