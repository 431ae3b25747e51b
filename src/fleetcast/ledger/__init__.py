"""The transactional store of one environment: cycles, audit chain, models, releases, leases."""
