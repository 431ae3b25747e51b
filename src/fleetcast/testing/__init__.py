"""The public testing kit: builders of small frames, a made-up retailer, and the only reader of its truth.

Only tests and benchmarks may import it: an import contract keeps the truth away from everything that forecasts.
"""
