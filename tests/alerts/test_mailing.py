from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest

from fleetcast.alerts import forms
from fleetcast.alerts.mailing import mail
from fleetcast.alerts.unsent import NotSent
from fleetcast.domain.notices import Message, Notice

SAID = Message("e1", "test", "kiosks/dev", "Regal größer", ("It works.",))
NOTICE = Notice("ops", datetime(2026, 11, 23, 6, tzinfo=UTC), SAID)
MADE = forms.mail(NOTICE, sender="fleet@example.com", to=["eva@example.com", "ben@example.com"])


def test_an_e_mail_reaches_all_of_its_recipients(mail_server):
    post = mail_server()
    mail(f"smtp://localhost:{post.port}", MADE, seconds=5)
    (envelope,) = post.envelopes
    got = message_from_bytes(envelope.content, policy=policy.default)
    assert envelope.rcpt_tos == ["eva@example.com", "ben@example.com"]
    assert (got["Subject"], got.get_content()) == (
        "kiosks/dev: Regal größer",
        "kiosks/dev: Regal größer\r\nIt works.\r\n",
    )


@pytest.mark.parametrize(("scheme", "way"), [("smtp", "starttls"), ("smtps", "tls")])
def test_passwords_go_over_tls_either_way(mail_server, trusting, scheme, way):
    post = mail_server(**{way: True})
    mail(f"{scheme}://fleet:p%40ss@localhost:{post.port}", MADE, seconds=5)
    assert (len(post.envelopes), post.signed_in) == (1, True)


@pytest.mark.parametrize(("scheme", "way"), [("smtp", "starttls"), ("smtps", "tls")])
def test_a_mail_server_of_nobody_known_hears_no_password(mail_server, scheme, way):
    post = mail_server(**{way: True})
    with pytest.raises(NotSent, match="its certificate cannot be verified"):
        mail(f"{scheme}://fleet:p%40ss@localhost:{post.port}", MADE, seconds=5)


def test_a_wrong_password_is_told_without_it(mail_server, trusting):
    post = mail_server(tls=True)
    with pytest.raises(NotSent, match="does not take this user and password") as caught:
        mail(f"smtps://fleet:s3cr3t@localhost:{post.port}", MADE, seconds=5)  # fleetcast: not-a-secret
    assert "s3cr3t" not in str(caught.value)


def test_recipients_that_are_not_known_are_no_trouble_of_the_channel(mail_server):
    post = mail_server()
    post.answer = "550 unknown"
    with pytest.raises(NotSent, match="no mail for any of the recipients") as caught:
        mail(f"smtp://localhost:{post.port}", MADE, seconds=5)
    assert not caught.value.down


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://s3cr3t.example.com", "is not smtp://"),
        ("smtp://fleet:s3cr3t@localhost:x", "is not smtp://"),  # fleetcast: not-a-secret
        ("smtp://fleet:s3cr3t@localhost:1", "Connection refused"),  # fleetcast: not-a-secret
        ("smtps://fleet:s3cr3t@localhost:1", "Connection refused"),  # fleetcast: not-a-secret
        ("smtp://fleet:p@s3cr3t.invalid", "its host is not found"),
    ],
)
def test_why_no_mail_was_sent_never_names_the_address(address, said):
    with pytest.raises(NotSent, match=said) as caught:
        mail(address, MADE, seconds=5)
    assert "s3cr3t" not in str(caught.value)
