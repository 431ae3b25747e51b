"""A client of the REST API: what a server tells a token, as typed values."""

from fleetcast.client.client import Client as Client
