"""What became of the forecasts: their errors once demand is known, and the age of the models that made them."""
