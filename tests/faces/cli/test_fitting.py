"""A table fits its paper: headings break first, then columns that can be spared go, and no name or figure is broken."""

from fleetcast.faces.cli.paper import Place, next_steps, table

SEGMENT = "north-texas/large/fast"


def rows(*headings: str | None):
    made = table(*headings)
    made.add_row(SEGMENT, "1,234.5", "an ensemble of two members", "+12.3 % (+10.1 to +14.4)")
    return made


def test_on_wide_paper_a_table_is_as_wide_as_its_content(printed):
    lines = printed(rows("Segment", ">Units sold a week", "Why", ">?Saved"), width=120).splitlines()
    assert lines[0].split("  ")[0] == "Segment"
    assert len(lines) == 2
    assert "Units sold a week" in lines[0]


def test_on_narrow_paper_headings_break_before_anything_else(printed):
    text = printed(rows("Segment", ">Units sold a week", "Why", ">?Saved"), width=90)
    assert "Units sold a week" not in text
    assert "+12.3 % (+10.1 to +14.4)" in text
    assert "an ensemble of two members" in text


def test_what_can_be_spared_goes_next_and_is_named(printed):
    text = printed(rows("Segment", ">Units", "Why", ">?Saved"), width=64)
    assert "+12.3 %" not in text
    assert "Not shown, for want of width: Saved" in text
    assert "an ensemble of two members" in text


def test_more_question_marks_go_first(printed):
    text = printed(rows("Segment", ">??Units", "Why", ">?Saved"), width=66)
    assert "1,234.5" not in text
    assert "+12.3 %" in text


def test_names_and_figures_are_not_broken_and_words_are_kept_whole(printed):
    text = printed(rows("Segment", ">Units", "Why", ">Saved"), width=78)
    assert SEGMENT in text
    assert "+12.3 % (+10.1 to +14.4)" in text
    assert all(word in text.split() for word in ("an", "ensemble", "of", "two", "members"))


def test_on_paper_too_narrow_for_anything_nothing_is_lost(printed):
    text = printed(rows("Segment", ">Units", "Why", ">Saved"), width=30)
    assert max(map(len, text.splitlines())) <= 30
    assert sum(text.count(letter) for letter in "0123456789") == sum(
        "1,234.5+12.3 % (+10.1 to +14.4)".count(letter) for letter in "0123456789"
    )


def test_a_name_with_brackets_is_printed_as_it_is(printed):
    made = table("Store")
    made.add_row("[bold]A[/]")
    assert "[bold]A[/]" in printed(made)


def test_without_headings_there_is_no_line_for_them(printed):
    made = table(None, None)
    made.add_row("week", "16 Nov 2026")
    assert printed(made).splitlines() == ["week  16 Nov 2026"]


def test_what_a_command_answers_stands_below_it_where_there_is_no_room_beside(printed):
    steps = next_steps(Place("/srv/forecasts/demo"), ("release show", "which model serves which segment"))
    beside = printed(steps, width=100).splitlines()
    assert beside[1].endswith("which model serves which segment")
    below = printed(steps, width=60).splitlines()
    assert below[1].strip() == "fleetcast release show --workspace /srv/forecasts/demo"
    assert below[2].strip() == "which model serves which segment"
