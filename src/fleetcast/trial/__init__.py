"""A field trial: does ordering by the forecasts pay? Pairs of alike stores, a coin for each, and what became of them."""
