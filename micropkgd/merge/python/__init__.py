"""Python, joined by its structure: from modules and classes down to what stands between two brackets.

`definitions` joins modules and classes by their named members, with the lists of names that `imports` joins. What both
sides changed goes down: `bodies` joins statements that run, which keep their order, `heads` what opens them
(decorators, signatures, the items of a `with`), and `expressions` one statement within, item by item as `displays`
finds them between brackets; `items` says what they are known by, and `spots` where each node stands in its text.
"""

from micropkgd.merge.python.definitions import merged_python

__all__ = ["merged_python"]
