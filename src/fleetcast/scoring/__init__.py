"""From a release to published forecasts: every active series gets one row, or a coded reason."""
