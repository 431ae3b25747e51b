"""Signing in with a provider of OpenID Connect: where people are sent, and who they are when they come back."""
