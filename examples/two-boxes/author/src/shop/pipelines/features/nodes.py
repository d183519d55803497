"""What the models learn from."""


def daily_sales(amounts):
    """A day in numbers."""
    return {"days": len(amounts), "sum": sum(amounts)}


def mean(values):
    """What a day is worth."""
    return sum(values) / len(values)
