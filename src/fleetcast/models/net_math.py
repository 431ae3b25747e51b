"""Exponentials and random bits for the network's kernel, in float32 and uint32 arithmetic that becomes vectors.

The mathematics library would be called number by number; a loop over these needs no call. Bits are those of
`net_program`.
"""

import numpy as np
from numba import njit

ZERO, ONE = np.float32(0), np.float32(1)

# exp(x) = 2ⁿ · exp(r), n = round(x / log 2), |r| ≤ ½ log 2; log 2 in two parts, the first short, so that n · part is exact.
# The polynomial is that of Cephes' expf (Moshier): relative error below 1e-7.
_LOWEST, _HIGHEST = np.float32(-87.0), np.float32(88.0)  # beyond, 2ⁿ is no normal float32
_PER_LOG_2 = np.float32(1.4426950408889634)
_LOG_2, _LOG_2_REST = np.float32(0.693359375), np.float32(-2.12194440e-4)
_ROUNDING = np.float32(
    12582912.0
)  # 1.5 · 2²³: added and taken away again, it leaves the nearest whole number
_BIAS, _MANTISSA = np.int32(127), np.int32(23)
_C0, _C1, _C2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_C3, _C4, _C5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)

# Wellons' lowbias32
_FIRST, _SECOND = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)
_HALF, _FIFTEEN = np.uint32(16), np.uint32(15)


@njit(cache=True, error_model="numpy")
def exponential(x: np.float32) -> np.float32:  # pragma: no cover - compiled
    """exp(x) within 1e-7 of its size; as at −87 and at 88 for all that lies beyond."""
    x = min(max(x, _LOWEST), _HIGHEST)
    n = (x * _PER_LOG_2 + _ROUNDING) - _ROUNDING
    r = (x - n * _LOG_2) - n * _LOG_2_REST
    rest = ((((_C0 * r + _C1) * r + _C2) * r + _C3) * r + _C4) * r + _C5
    power = np.int32((np.int32(n) + _BIAS) << _MANTISSA).view(np.float32)
    return np.float32((rest * (r * r) + r + ONE) * power)


@njit(cache=True, error_model="numpy")
def scattered(bits: np.uint32) -> np.uint32:  # pragma: no cover - compiled
    """A bijection that scatters bits."""
    bits = np.uint32(np.uint32(bits ^ (bits >> _HALF)) * _FIRST)
    bits = np.uint32(np.uint32(bits ^ (bits >> _FIFTEEN)) * _SECOND)
    return np.uint32(bits ^ (bits >> _HALF))


@njit(cache=True, error_model="numpy")
def random(place: np.uint32, seed: np.uint32) -> np.uint32:  # pragma: no cover - compiled
    """32 random bits of a place."""
    return scattered(np.uint32(scattered(np.uint32(place ^ seed)) + seed))
