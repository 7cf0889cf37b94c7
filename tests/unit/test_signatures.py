"""What is sent is signed as Standard Webhooks says, with the vectors of others."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline_engine.domain import signatures

FIRST = "whsec_YWNjZXB0YW5jZS1rZXktbnVtYmVyLTEh"
SECOND = "whsec_YWNjZXB0YW5jZS1rZXktbnVtYmVyLTIh"
AT = datetime.fromtimestamp(1780000000, UTC)
BODY = b'{"type":"order.paid","data":{"id":7}}'
OF_FIRST = "v1,9HT4tvtm3OOO3HZqnmhFp4CkgCVjPm1j3S/Pckvn7tk="
OF_SECOND = "v1,+RMKn32d0k5ijGSQ4dOPomBMYBi6RDESX/AdrgCy+pg="


def test_a_message_is_signed_with_its_id_and_its_moment() -> None:
    assert signatures.headers("msg_01", BODY, [FIRST], at=AT) == {
        "webhook-id": "msg_01",
        "webhook-timestamp": "1780000000",
        "webhook-signature": OF_FIRST,
    }


def test_while_a_secret_is_changed_both_sign() -> None:
    signed = signatures.headers("msg_01", BODY, [SECOND, FIRST], at=AT)

    assert signed["webhook-signature"] == f"{OF_SECOND} {OF_FIRST}"


def test_no_two_secrets_are_the_same() -> None:
    assert len({signatures.new_secret() for _ in range(10)}) == 10
