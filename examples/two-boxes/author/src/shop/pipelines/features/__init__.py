"""What the models learn from."""

__version__ = "1.0"
