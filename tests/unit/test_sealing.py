"""What a row may hold of a secret, and who gets it back."""

from __future__ import annotations

import pytest

from pipeline_engine.domain.masking import NOTHING_HIDDEN, masker_of
from pipeline_engine.domain.sealing import MARK, Sealer, SecretUnreadable

KEY, NEW_KEY = "a-key-of-the-tests", "the-key-after-that"
SECRET = 'pa"ss\\wo\nrd'
PLACE = "execution-1"


def test_a_sealed_value_says_nothing_and_is_opened_as_it_was() -> None:
    given = {"token": SECRET, "deep": [{"header": f"Bearer {SECRET}"}, 7, None], "plain": "text"}
    sealer = Sealer(KEY)

    sealed = sealer.seal(given, PLACE, masker=masker_of([SECRET]))

    assert not masker_of([SECRET]).finds(sealed)
    assert sealed["plain"] == "text"
    opened = sealer.open(sealed, PLACE)
    assert (opened.value, opened.secrets) == (given, {SECRET})


def test_a_declared_secret_is_sealed_whatever_it_is() -> None:
    sealer = Sealer(KEY)

    sealed = sealer.seal({"pin": "", "n": "1"}, PLACE, masker=NOTHING_HIDDEN, whole={"pin"})

    assert sealed["pin"].startswith(MARK)
    assert sealed["n"] == "1"
    assert sealer.open(sealed, PLACE).value == {"pin": "", "n": "1"}


def test_what_holds_no_secret_is_not_sealed() -> None:
    masker = masker_of([SECRET])

    assert Sealer(KEY).seal({"a": ["text"]}, PLACE, masker=masker) is None


def test_the_same_secret_is_sealed_anew_each_time() -> None:
    sealer, masker = Sealer(KEY), masker_of([SECRET])

    assert sealer.seal(SECRET, PLACE, masker=masker) != sealer.seal(SECRET, PLACE, masker=masker)


def test_who_gives_a_sealed_text_is_given_the_text_and_not_the_secret() -> None:
    sealer, masker = Sealer(KEY), masker_of([SECRET])
    stolen = sealer.seal(SECRET, PLACE, masker=masker)

    sealed = sealer.seal({"forged": stolen, "token": SECRET}, PLACE, masker=masker)

    assert sealer.open(sealed, PLACE).value == {"forged": stolen, "token": SECRET}


def test_a_sealed_text_cannot_be_opened_elsewhere() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(SECRET, PLACE, masker=masker_of([SECRET]))

    with pytest.raises(SecretUnreadable, match="moved"):
        sealer.open(sealed, "execution-2")


def test_a_sealed_text_that_was_changed_is_refused() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(SECRET, PLACE, masker=masker_of([SECRET]))
    name, _, written = sealed.rpartition(":")

    for broken in (f"{name}:{written[4:]}", f"{name}:", f"{name}:%%%"):
        with pytest.raises(SecretUnreadable):
            sealer.open(broken, PLACE)


def test_an_old_key_opens_what_it_sealed_and_seals_nothing_more() -> None:
    before = Sealer(KEY).seal(SECRET, PLACE, masker=masker_of([SECRET]))
    after = Sealer(NEW_KEY, [KEY])

    assert after.open(before, PLACE).value == SECRET
    sealed = after.seal(SECRET, PLACE, masker=masker_of([SECRET]))
    assert Sealer(NEW_KEY).open(sealed, PLACE).value == SECRET
    with pytest.raises(SecretUnreadable, match="not known"):
        Sealer(NEW_KEY).open(before, PLACE)


def test_a_fingerprint_tells_contents_apart_and_only_for_who_has_the_key() -> None:
    known = Sealer(KEY).fingerprint(b"body")

    assert Sealer(NEW_KEY, [KEY]).is_of(known, b"body")
    assert not Sealer(NEW_KEY, [KEY]).is_of(known, b"other")
    assert not Sealer(NEW_KEY).is_of(known, b"body")
    assert not Sealer(KEY).is_of(None, b"body")
