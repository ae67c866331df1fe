"""The page of an order's life says what the code does."""

from scripts.order_table import PAGE, page


def test_the_page_shows_the_table_of_the_code():
    """After a change: python scripts/order_table.py."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text
    assert "| **in doubt** |" in text
