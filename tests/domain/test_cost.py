import sys

import numpy as np
import pytest

from fleetcast.domain.cost import metered


def test_work_is_measured_however_it_ends():
    def fail() -> None:
        sum(range(10**6))
        raise KeyError

    with pytest.raises(KeyError), metered() as meter:
        fail()
    assert meter.cost is not None
    assert 0 < meter.cost.cpu_seconds < 60
    assert meter.cost.wall_seconds > 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process's peak is for life")
def test_the_peak_is_of_the_work_and_not_of_what_was_before_it():
    with metered() as large:
        taken = np.ones(300 * 2**17)  # 300 MB
        del taken
    with metered() as small:
        sum(range(1000))
    assert large.cost is not None
    assert small.cost is not None
    assert large.cost.peak_mb > small.cost.peak_mb + 200
