"""New data are noticed once, when they have come to rest, in folders and in object stores alike."""

import polars as pl
import pytest

from fleetcast.domain.week import WEEK
from fleetcast.fleet.lookout import compared, look
from fleetcast.testing.kiosks import LAST, kiosks, opened, write_workspace

FRAMES = kiosks(regions=("east",), stores=1, weeks=50)


def with_a_week_more(frames):
    newest = frames["deliveries"].filter(pl.col("week") == LAST)
    return pl.concat([frames["deliveries"], newest.with_columns(week=pl.lit(LAST + WEEK))])


class Watch:
    """Looks at a workspace, and what each look told."""

    def __init__(self, folder):
        self.w, self.seen = opened(folder), {}

    def news(self):
        self.seen, news = compared(self.seen, look(self.w))
        return news


@pytest.fixture
def folder(tmp_path):
    return write_workspace(tmp_path / "chain", FRAMES)


@pytest.fixture
def watch(folder):
    begun = Watch(folder)
    assert begun.news() == []  # nothing has come to rest yet
    assert begun.news() == ["deliveries", "products", "stores"]  # what lay there before anybody looked
    assert begun.news() == []
    return begun


def test_a_file_that_is_being_written_is_no_news_until_it_has_come_to_rest(watch, folder):
    growing = folder / "data" / "deliveries" / "second.csv"
    for part in ("week,store", ",product", ",delivered\n"):
        with growing.open("a") as file:
            file.write(part)
        assert watch.news() == []
    assert watch.news() == ["deliveries"]
    assert watch.news() == []


def test_a_file_that_is_renamed_into_its_place_is_news_and_its_draft_is_none(watch, folder):
    draft = folder / "data" / "deliveries" / ".second.csv"
    draft.write_text("week,store,product,delivered\n")
    assert watch.news() == watch.news() == []
    draft.rename(draft.with_name("second.csv"))
    assert [watch.news(), watch.news()] == [[], ["deliveries"]]


def test_files_of_several_sources_that_come_together_are_one_piece_of_news(watch, folder):
    (folder / "data" / "stores" / "second.csv").write_text("a")
    assert watch.news() == []
    (folder / "data" / "products" / "second.csv").write_text("b")
    assert watch.news() == []
    assert watch.news() == ["products", "stores"]


def test_a_file_that_goes_away_is_no_news(watch, folder):
    (folder / "data" / "stores" / "first.csv").unlink()
    assert [watch.news(), watch.news()] == [[], []]


def in_a_bucket(folder):
    """Deliveries are pulled from an object store, once a week."""
    bucket = folder / "bucket"
    (folder / "data" / "deliveries").rename(bucket)
    settings = folder / "fleetcast.toml"
    written = settings.read_text("utf-8").replace('path = "data/deliveries/*.csv"\n', "")
    pull = f'\n[sources.deliveries.pull]\nurl = "file://{bucket}/*.csv"\nevery = "week"\n'
    settings.write_text(written + pull, "utf-8")
    return bucket


def test_an_object_that_is_new_or_has_changed_is_news(folder):
    bucket = in_a_bucket(folder)
    watch = Watch(folder)
    assert "deliveries" in [*watch.news(), *watch.news()]
    (bucket / "second.csv").write_text("week,store,product,delivered\n")
    (bucket / "notes.txt").write_text("none of ours")
    assert [watch.news(), watch.news()] == [[], ["deliveries"]]
    (bucket / "second.csv").write_text("week,store,product,delivered\n2026-11-16,east-1,00001,3\n")
    assert [watch.news(), watch.news()] == [[], ["deliveries"]]


def test_a_store_that_does_not_answer_is_looked_at_again(folder):
    bucket = in_a_bucket(folder)
    watch = Watch(folder)
    watch.news(), watch.news()
    bucket.rename(folder / "away")
    assert [watch.news(), watch.news()] == [[], []]
    (folder / "away").rename(bucket)
    (bucket / "second.csv").write_text("week,store,product,delivered\n")
    assert [watch.news(), watch.news()] == [[], ["deliveries"]]
