from shop.pipelines.features.nodes import daily_sales


def test_daily_sales():
    assert daily_sales([1, 3]) == {"mean": 2, "days": 2}
