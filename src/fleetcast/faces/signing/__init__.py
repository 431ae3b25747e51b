"""Signing in and out: a form, a one-time link, a provider, and the cookie that each of them ends with."""
