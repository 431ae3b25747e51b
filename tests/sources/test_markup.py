"""XML as it really comes, and as nobody should send it."""

from contextlib import suppress
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.conftest import declared, reasons

from fleetcast.domain.errors import SourceError
from fleetcast.sources import markup

COLUMNS = {
    "week": {"type": "date", "name": "@week"},
    "store": {"type": "text", "name": "Store/@id"},
    "product": {"type": "text", "name": "Product"},
    "delivered": {"type": "number", "name": "Units", "optional": True},
}
XML = {"format": "xml", "rows": "Sales/Sale", "columns": COLUMNS}
ROW = '  <Sale week="2026-11-09"><Store id="00042"/><Product>P1</Product><Units>3.5</Units></Sale>\n'


def sales(*rows, head='<?xml version="1.0" encoding="UTF-8"?>\n<Sales>\n'):
    return head + "".join(rows) + "</Sales>\n"


def test_columns_are_child_elements_and_attributes_by_their_path(reading):
    rows = reading(sales(ROW), **XML).rows
    assert rows.select("store", "product", "delivered", "line").rows() == [("00042", "P1", 3.5, 3)]


def test_a_row_stands_on_the_line_its_element_begins_on(reading):
    spread = ROW.replace("><", ">\n    <")
    assert reading(sales(spread, ROW), **XML).rows["line"].to_list() == [3, 8]


def test_rows_that_begin_on_one_line_are_counted_on_from_it(reading):
    assert reading(sales(ROW.strip(), ROW.strip(), ROW), **XML).rows["line"].to_list() == [3, 4, 5]


def test_an_absent_or_empty_element_is_an_empty_field(reading):
    without, empty = ROW.replace("<Units>3.5</Units>", ""), ROW.replace("3.5", "")
    nil = ROW.replace("<Units>3.5</Units>", '<Units xsi:nil="true"/>')
    assert reading(sales(without, empty, nil), **XML).rows["delivered"].to_list() == [None, None, None]


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        (ROW.replace("</Sale>", "<Note>x</Note></Sale>"), "undeclared 'Note'"),
        (ROW.replace("<Sale ", '<Sale till="2" '), "undeclared '@till'"),
        (ROW.replace("</Sale>", "<Units>4</Units></Sale>"), "'Units' more than once"),
        (ROW.replace("</Sale>", "by hand</Sale>"), "text between its elements"),
    ],
)
def test_a_row_with_something_undeclared_is_set_aside_as_it_stood(reading, row, detail):
    made = reading(sales(ROW, row), **XML)
    assert made.quarantined.select("line", "reason", "detail", "text").rows() == [
        (4, "ragged", detail, row.strip())
    ]
    assert made.rows.height == 1


@pytest.mark.parametrize("between", ["", "\n"])
def test_a_row_of_attributes_alone_is_a_row(reading, between):
    columns = {"store": {"type": "text", "name": "@store"}, "units": {"type": "number", "name": "@units"}}
    body = between.join(
        ['<s store="a>b" units="3"/>', '<s store="S2" units="many"/>', '<s store="&lt;/s>" units="4"></s>']
    )
    made = reading(f"<r>{body}</r>", format="xml", rows="r/s", columns=columns)
    assert made.rows["store"].to_list() == ["a>b", "</s>"]
    assert made.quarantined["text"].to_list() == ['<s store="S2" units="many"/>']


def test_a_wrong_value_names_its_line(reading):
    assert reasons(reading(sales(ROW, ROW.replace("3.5", "many")), **XML)) == [(4, "not_a_number")]


def test_what_is_around_the_rows_is_not_read(reading):
    head = '<?xml version="1.0"?>\n<Sales xmlns="urn:shop">\n<Sent>2026-11-16</Sent>'
    assert reading(sales(ROW, head=head), **XML).rows.height == 1


BOMB = '<!DOCTYPE Sales [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n<Sales>\n'


@pytest.mark.parametrize(
    "head",
    [
        BOMB,
        '<!DOCTYPE Sales [<!ENTITY f SYSTEM "file:///etc/hostname">]>\n<Sales>\n',
        '<!DOCTYPE Sales SYSTEM "http://127.0.0.1/sales.dtd">\n<Sales>\n',
    ],
)
def test_a_document_that_could_hide_entities_is_refused(refused, head):
    reason, detail = refused(sales(ROW, head=head), **XML)
    assert (reason, detail[:7]) == ("unreadable", "line 1:")


def test_an_entity_nobody_declared_is_refused(refused):
    assert refused(sales(ROW.replace("P1", "&f;")), **XML) == ("unreadable", "line 3: undefined entity")


def test_elements_without_end_inside_each_other_are_refused(refused):
    assert refused(sales("<a>" * 100_000), **XML)[0] == "unreadable"


def test_a_file_that_was_cut_off_is_told_from_one_that_is_wrong(refused):
    whole = sales(ROW, ROW)
    for end in range(len('<?xml version="1.0" encoding="UTF-8"?>\n') + 1, len(whole) - 1):
        assert refused(whole[:end], **XML)[0] == "truncated"
    assert refused(whole.replace("</Units>", "</Unit>"), **XML)[0] == "unreadable"


def test_no_rows_and_a_wrong_path_are_told_apart(refused):
    assert refused(sales(), **XML)[0] == "empty"
    assert refused(sales(ROW), **(XML | {"rows": "Sales/Delivery/Line"})) == (
        "header",
        "there are no elements 'Sales/Delivery/Line'",
    )


def test_a_document_has_to_be_in_the_encoding_that_is_declared(reading, refused):
    text = sales(ROW.replace("P1", "Café"), head='<?xml version="1.0" encoding="ISO-8859-1"?>\n<Sales>\n')
    assert reading(text.encode("latin-1"), **XML, encoding="latin-1").rows["product"].to_list() == ["Café"]
    assert refused(text, **XML)[0] == "encoding"
    marked = text.replace("ISO-8859-1", "utf-16").encode("utf-16")
    assert reading(marked, **XML, encoding="utf-16").rows["product"].to_list() == ["Café"]


words = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"), min_size=1
)


@given(
    st.lists(st.tuples(words, words.filter(str.strip)), min_size=1, max_size=8), st.sampled_from(["", "\n"])
)
def test_whatever_text_is_in_a_document_comes_out_of_it(rows, between):
    columns = {"key": {"type": "text", "name": "@key"}, "said": {"type": "text", "name": "said"}}
    settings = declared(columns, format="xml", rows="r/s")
    body = between.join(f"<s key={quoteattr(key)}><said>{escape(said)}</said></s>" for key, said in rows)
    fields = markup.read(f"<r>{body}</r>".encode(), settings, file="x.xml").fields
    assert fields.select("key", "said").rows() == rows
    assert fields[".line"].is_sorted()
    assert fields[".line"].n_unique() == len(rows)


@given(st.binary(max_size=60), st.integers(0, 120))
def test_bytes_that_were_damaged_are_rows_or_an_error_of_ours(damage, at):
    whole = sales(ROW).encode()
    torn = whole[:at] + damage + whole[at + len(damage) :]
    with suppress(SourceError):
        markup.read(torn, declared(**XML), file="x.xml")
