"""What pages tell people to type stands out, and nothing that comes from outside becomes HTML."""

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from fleetcast.faces.web.commands import say, typed


@given(st.text(alphabet="`<>&'\"ab "))
def test_but_for_what_is_typed_a_text_is_as_it_was_and_escaped(text):
    told = typed(text)
    plain = str(told).replace("<code>", "`").replace("</code>", "`")
    assert plain == str(escape(text))


def test_values_in_a_text_of_ours_are_escaped():
    told = say("runs.broken", environment="<b>")
    assert "<code>fleetcast run --env &lt;b&gt;</code>" in told
