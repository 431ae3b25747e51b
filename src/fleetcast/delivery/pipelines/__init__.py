"""Workflow files of CI systems: one description of the process, and what each host calls it."""
