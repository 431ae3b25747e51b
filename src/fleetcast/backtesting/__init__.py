"""Backtests: the past replayed for any recipe or baseline, and what the replays say about each other."""
