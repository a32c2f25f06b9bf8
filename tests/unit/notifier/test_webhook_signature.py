"""Standard Webhooks signatures; the expected values were computed with openssl."""

import pytest

from services.notifier.core.webhook_signature import InvalidSecret, Secret, parse_secrets, signed_headers

MESSAGE = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
FIRST = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECOND = "whsec_c2Vjb25kLXNlY3JldC1vZi0zMi1ieXRlcy1sZW5ndGg="
OF_FIRST = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OF_SECOND = "v1,2CkuGUUh+SvvbS8meWhOEzc1Lfq9miwIYNdT2KluD08="


def test_the_signature_is_the_standards() -> None:
    """Any Standard Webhooks library verifies what we send: HMAC-SHA256 over `id.timestamp.body`."""
    assert signed_headers(parse_secrets(FIRST), *MESSAGE) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": OF_FIRST,
    }


def test_every_secret_signs() -> None:
    """A receiver changes from the old secret to the new one whenever it likes."""
    headers = signed_headers(parse_secrets(f"{SECOND}\n{FIRST}"), *MESSAGE)
    assert headers["webhook-signature"] == f"{OF_SECOND} {OF_FIRST}"


@pytest.mark.parametrize("message", [("msg_other", *MESSAGE[1:]), (MESSAGE[0], 1, MESSAGE[2]), (*MESSAGE[:2], b"")])
def test_id_time_and_body_are_all_signed(message: tuple[str, int, bytes]) -> None:
    """Nobody can replay a body under another id or time."""
    assert signed_headers(parse_secrets(FIRST), *message)["webhook-signature"] != OF_FIRST


@pytest.mark.parametrize(
    "text", ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_" + "A" * 88, "whsec_ü"]
)
def test_a_bad_secret_is_refused_and_not_repeated(text: str) -> None:
    """24 to 64 bytes, as the standard asks."""
    with pytest.raises(InvalidSecret) as refusal:
        parse_secrets(text)
    assert not text or text not in str(refusal.value)


def test_a_secret_shows_itself_nowhere() -> None:
    """Not in repr, str or format: so in no log line."""
    secret = Secret(FIRST)
    assert {repr(secret), str(secret), f"{secret}"} == {"Secret(…)"}
