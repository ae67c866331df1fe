"""Strategies: what forms a view from bars alone, over whole arrays and bar by bar, with the same bits."""
