"""Fleetcast: a fleet of weekly demand-forecasting models in production."""
