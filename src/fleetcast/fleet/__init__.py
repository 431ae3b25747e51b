"""The fleet: which segments need work, and one environment's week from raw files to published forecasts."""
