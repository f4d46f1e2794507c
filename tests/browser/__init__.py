"""The pages in a real browser, with a real service behind them."""
