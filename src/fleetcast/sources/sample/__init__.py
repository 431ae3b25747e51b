"""A made-up retailer with a known truth, its raw files as such sources really look, and the demo workspace."""

from fleetcast.sources.sample.demo import create
from fleetcast.sources.sample.retailer import ERRATIC, LAST_WEEK, Retailer, simulate

__all__ = ["ERRATIC", "LAST_WEEK", "Retailer", "create", "simulate"]
