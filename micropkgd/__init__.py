"""A declarative sync daemon for Kedro micro-packages.

Read `errors`, then `model/` (the words), then `reconcile/cycle.py` (one pass, told in one function).
"""

__version__ = "0.1.0"
