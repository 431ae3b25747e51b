"""Channels by which people are told: a log, webhooks, Slack and what is like it, e-mail."""
