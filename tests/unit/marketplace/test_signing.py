"""Who has signed what."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from pipeline_engine.marketplace.format.signing import Signature, SigningKey, canonical
from pipeline_engine.marketplace.refusals import BadSignature, InvalidKeyFile, UnknownKey

KEY = SigningKey.generate()
RECORD = {"name": "acme", "size": 3, "words": ["ä", "b"]}


def test_the_order_of_fields_is_not_signed_and_everything_else_is() -> None:
    signature = KEY.sign("release", RECORD)

    signature.check("release", dict(reversed(RECORD.items())), [KEY.public])
    assert canonical(RECORD) == '{"name":"acme","size":3,"words":["ä","b"]}'.encode()
    for other in ({**RECORD, "size": 4}, {**RECORD, "more": None}, {"name": "acme"}):
        with pytest.raises(BadSignature):
            signature.check("release", other, [KEY.public])
    with pytest.raises(BadSignature):
        signature.check("index", RECORD, [KEY.public])


@pytest.mark.parametrize("value", ["", "no base64!", base64.b64encode(b"short").decode()])
def test_what_is_no_signature(value: str) -> None:
    with pytest.raises(BadSignature):
        Signature(KEY.fingerprint, value).check("release", RECORD, [KEY.public])


def test_only_the_keys_of_the_source_count() -> None:
    other = SigningKey.generate()
    made = other.sign("release", RECORD)

    with pytest.raises(UnknownKey):
        made.check("release", RECORD, [KEY.public])
    with pytest.raises(BadSignature):  # who says that it was another key
        Signature(KEY.fingerprint, made.value).check("release", RECORD, [KEY.public])
    made.check("release", RECORD, [KEY.public, other.public])


def test_a_key_comes_back_from_its_file(tmp_path: Path) -> None:
    KEY.save(tmp_path / "key")

    assert SigningKey.load(tmp_path / "key").fingerprint == KEY.fingerprint


@pytest.mark.parametrize("content", [b"", b"a key", b"\xff\xfe", b"-----BEGIN PRIVATE KEY-----\nx"])
def test_what_is_no_file_with_a_key(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)

    with pytest.raises(InvalidKeyFile):
        SigningKey.load(file)
    with pytest.raises(InvalidKeyFile):
        SigningKey.load(tmp_path / "none")
