"""What a training was asked is written down so that the same is asked again."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from fleetcast.domain.versions import Snapshot
from fleetcast.fleet.asked import Asked, dump, load
from fleetcast.training.task import Chain, Donor, Pooling, PoolVersion, TrainingTask

NAMES = st.text("abc/-", min_size=1, max_size=8)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
WEEKS = st.dates(date(2020, 1, 6), date(2030, 1, 7))
CHAINS = st.builds(Chain, DIGESTS, NAMES, NAMES, st.booleans())
DONORS = st.builds(Donor, NAMES, NAMES, NAMES, WEEKS, DIGESTS, NAMES)
POOLS = st.builds(
    PoolVersion, NAMES, WEEKS, DIGESTS, NAMES, st.none() | NAMES, st.dictionaries(WEEKS.map(str), DIGESTS)
)
TASKS = st.builds(
    TrainingTask,
    NAMES,
    st.lists(NAMES, max_size=3).map(tuple),
    WEEKS,
    NAMES,
    st.dictionaries(NAMES, CHAINS, max_size=2),
    st.none() | st.builds(Pooling, st.booleans(), st.none() | POOLS),
    st.dictionaries(NAMES, DONORS, max_size=2),
    st.sampled_from(["short-term", "long-term"]),
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ASKED = st.builds(
    Asked,
    st.dictionaries(NAMES, DIGESTS, max_size=3).map(Snapshot.of),
    st.lists(MOMENTS, max_size=3).map(tuple),
    TASKS,
)


@given(ASKED)
def test_what_was_asked_reads_back_as_it_was(asked):
    assert load(dump(asked)) == asked


@given(ASKED, ASKED)
def test_only_the_same_is_written_alike(one, other):
    assert (dump(one) == dump(other)) == (one == other)
