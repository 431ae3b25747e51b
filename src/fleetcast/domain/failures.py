"""What one piece of work may die of without taking the others with it."""

import errno

import polars as pl

from fleetcast.domain.errors import FleetcastError

# A killed process is none of these, nor is a person who stops the run. JAX's errors are RuntimeErrors, numpy's ValueErrors.
FAILURES = (
    FleetcastError,
    ArithmeticError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pl.exceptions.PolarsError,
)
DISK_FULL = "the disk is full: make room and run again"


def told(error: BaseException) -> str:
    """The error in words: ours are written for a person, others begin with their kind.

    >>> told(FleetcastError("no deliveries")), told(KeyError("week"))
    ('no deliveries', "KeyError: 'week'")
    >>> told(OSError(errno.ENOSPC, "No space left on device"))
    'the disk is full: make room and run again'
    """
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return DISK_FULL
    return str(error) if isinstance(error, FleetcastError) else f"{type(error).__name__}: {error}"
