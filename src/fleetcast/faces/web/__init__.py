"""The web face: pages, made on the server of the same readings as everybody else's."""

from fleetcast.faces.web.routing import message, routes, sign_in, turned_away

__all__ = ["message", "routes", "sign_in", "turned_away"]
