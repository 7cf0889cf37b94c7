"""Which tokens are believed, and whose they are; forged ones are made by hand.

The kinds of attack are those that libraries and services have fallen for: a key or an algorithm of
the sender's choice, a token for somebody else, odd numbers, hostile JSON.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import tracemalloc
from importlib import import_module
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.issuers import AUDIENCE, encoded, unsigned

from pipeline_engine.demo.issuer.signing import Mint, SigningKey
from pipeline_engine.services.oidc.claims import Identity, Rules
from pipeline_engine.services.oidc.compact import MOST_CHARACTERS, SignedToken, is_compact
from pipeline_engine.services.oidc.issuer import judged
from pipeline_engine.services.oidc.keys import ALGORITHMS, Keys, NoKeys
from pipeline_engine.services.oidc.refusals import Reason, TokenRefused
from pipeline_engine.setting_kinds import OIDC_ALGORITHMS

NOW = 1_800_000_000
ISSUER = "https://kc.test/realms/ops"
RULES = Rules(issuer=ISSUER, audience=AUDIENCE)
K1 = SigningKey.new("k1", "RS256")
EC = SigningKey.new("ec", "ES256")
ED = SigningKey.new("ed", "EdDSA")
MINE = SigningKey.new("k1", "RS256")  #: the attacker's, under the name of the issuer's
DEFAULT = ("RS256", "PS256", "ES256", "EdDSA")
KEYS = Keys.of({"keys": [K1.jwk, EC.jwk, ED.jwk]}, DEFAULT)
PUBLIC = K1.private.public_key()
PEM = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claims(**changed: Any) -> dict[str, Any]:
    """Those of a good token, with some of them changed; what is None is left out."""
    base = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u-1",
        "azp": "console",
        "iat": NOW,
        "exp": NOW + 300,
        "groups": ["ops"],
    }
    return {name: value for name, value in (base | changed).items() if value is not None}


def whose(token: str, *, keys: Keys = KEYS, rules: Rules = RULES, now: float = NOW) -> Identity:
    return judged(SignedToken.read(token), keys, rules, now=now)


def refusal(token: str, **given: Any) -> Reason:
    """Why *token* is refused."""
    with pytest.raises(TokenRefused) as refused:
        whose(token, **given)
    return refused.value.reason


def signed_raw(payload: bytes, header: bytes | None = None) -> str:
    """A genuine signature over whatever bytes."""
    head = header or json.dumps({"alg": "RS256", "kid": "k1"}).encode()
    text = f"{encoded(head)}.{encoded(payload)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(text.encode(), K1.private)
    return f"{text}.{encoded(signature)}"


@pytest.mark.parametrize("key", [K1, EC, ED], ids=lambda key: key.algorithm)
def test_a_good_token_tells_whose_it_is(key: SigningKey) -> None:
    token = key.sign(claims(groups=["/ops/eu", "dev"], realm_access={"roles": ["operator"]}))

    assert whose(token) == Identity("u-1", frozenset({"ops/eu", "dev"}), frozenset({"operator"}))


# ── Algorithms ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "secret",
    [
        PEM,
        PEM.rstrip(b"\n"),
        PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(K1.jwk).encode(),
        b"key-of-the-installation",
        b"",
    ],
    ids=["pem", "pem without its end", "der", "jwk", "our own secret", "nothing"],
)
@pytest.mark.parametrize("algorithm", ["HS256", "hs256"])
def test_no_public_key_is_taken_for_a_shared_secret(secret: bytes, algorithm: str) -> None:
    text = f"{encoded({'alg': algorithm, 'kid': 'k1'})}.{encoded(claims())}"
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest()

    assert refusal(f"{text}.{encoded(signature)}") is Reason.ALGORITHM


@pytest.mark.parametrize("name", ["none", "None", "nOnE", "NONE"])
def test_a_token_without_a_signature_is_refused(name: str) -> None:
    header = {"alg": name, "kid": "k1"}
    without = f"{encoded(header)}.{encoded(claims())}."

    assert refusal(without) is Reason.MALFORMED
    assert refusal(unsigned(header, claims(), b"x")) is Reason.ALGORITHM


@pytest.mark.parametrize("algorithm", ["RS512", "PS256", "RS384"])
def test_a_key_signs_with_its_own_algorithm_only(algorithm: str) -> None:
    token = jwt.encode(claims(), K1.private, algorithm, headers={"kid": "k1"})

    assert refusal(token) is Reason.ALGORITHM
    assert refusal(token, keys=Keys.of({"keys": [K1.jwk]}, OIDC_ALGORITHMS)) is Reason.ALGORITHM


def test_a_key_that_names_no_algorithm_signs_with_those_that_are_allowed() -> None:
    nameless = {name: value for name, value in K1.jwk.items() if name != "alg"}
    keys = Keys.of({"keys": [nameless]}, ["RS256", "RS384"])

    for algorithm in ("RS256", "RS384"):
        token = jwt.encode(claims(), K1.private, algorithm, headers={"kid": "k1"})
        assert whose(token, keys=keys).subject == "u-1"
    token = jwt.encode(claims(), K1.private, "RS512", headers={"kid": "k1"})
    assert refusal(token, keys=keys) is Reason.ALGORITHM


@pytest.mark.parametrize(("algorithm", "kid"), [("ES256", "k1"), ("RS256", "ec"), ("EdDSA", "ec")])
def test_a_key_is_not_taken_for_one_of_another_kind(algorithm: str, kid: str) -> None:
    assert refusal(unsigned({"alg": algorithm, "kid": kid}, claims(), b"x" * 64)) is (
        Reason.ALGORITHM
    )


@pytest.mark.parametrize("algorithm", [None, 1, True, ["RS256"], {"a": 1}, "", "RS256 "])
def test_an_algorithm_that_is_no_name_is_refused(algorithm: Any) -> None:
    assert refusal(unsigned({"alg": algorithm, "kid": "k1"}, claims(), b"x")) in (
        Reason.HEADER,
        Reason.ALGORITHM,
    )


def test_all_algorithms_that_can_be_set_are_asymmetric_and_have_keys() -> None:
    assert {name for names in ALGORITHMS.values() for name in names} == OIDC_ALGORITHMS
    assert not any(name.startswith("HS") for name in OIDC_ALGORITHMS)


# ── Keys ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "headers",
    [
        {"jwk": MINE.jwk},
        {"jku": "http://127.0.0.1:9/keys"},
        {"x5u": "http://127.0.0.1:9/chain"},
        {"x5c": ["MIIB"]},
        {"crit": ["x"]},
        {"crit": []},
        {"b64": True},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"typ": "dpop+jwt"},
        {"typ": "logout+jwt"},
        {"typ": 1},
    ],
    ids=lambda headers: str({**headers, "jwk": 1} if "jwk" in headers else headers),
)
def test_a_token_brings_no_key_and_no_rule_of_its_own(headers: dict[str, Any]) -> None:
    header = {"alg": "RS256", "kid": "k1", **headers}
    token = unsigned(header, claims(), b"x")

    assert refusal(token) is Reason.HEADER


def test_a_key_of_the_same_name_is_not_the_issuers() -> None:
    assert refusal(MINE.sign(claims())) is Reason.SIGNATURE


def test_a_changed_token_is_not_believed() -> None:
    head, _, signature = K1.sign(claims()).split(".")

    assert refusal(f"{head}.{encoded(claims(sub='root'))}.{signature}") is Reason.SIGNATURE


def test_a_key_that_nobody_knows_is_told_from_a_wrong_signature() -> None:
    assert refusal(SigningKey.new("k9", "ES256").sign(claims())) is Reason.UNKNOWN_KEY


def test_a_token_need_not_name_the_only_key_and_must_name_one_of_several() -> None:
    token = jwt.encode(claims(), EC.private, "ES256")
    only = Keys.of({"keys": [EC.jwk]}, DEFAULT)

    assert whose(token, keys=only).subject == "u-1"
    assert refusal(token) is Reason.UNKNOWN_KEY


@pytest.mark.parametrize("kid", ["", "k" * 257, 1, ["k1"], {"k": 1}])
def test_a_name_of_a_key_is_a_short_text(kid: Any) -> None:
    assert refusal(unsigned({"alg": "RS256", "kid": kid}, claims(), b"x")) is Reason.HEADER


def test_two_keys_of_one_name_are_both_tried() -> None:
    keys = Keys.of({"keys": [MINE.jwk, K1.jwk]}, DEFAULT)

    assert whose(K1.sign(claims()), keys=keys).subject == "u-1"


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": ["RSA"]},
        {"kty": "EC"},
        {"d": "AQAB"},
        {"n": "AQAB"},
        {"n": 5},
        {"e": None},
        {"kid": 7},
        {"alg": "HS256"},
        {"alg": "RSA-OAEP"},
    ],
    ids=str,
)
def test_a_published_key_that_is_not_for_signatures_is_left_alone(changed: dict[str, Any]) -> None:
    keys = Keys.of({"keys": [K1.jwk | changed, EC.jwk, None, "x", []]}, DEFAULT)

    assert keys.ids == {"ec"}


@pytest.mark.parametrize(
    "document", [{"keys": []}, {"keys": None}, {"keys": {}}, {}, [], None, "x", {"keys": [{}]}]
)
def test_a_document_without_keys_is_no_answer(document: Any) -> None:
    with pytest.raises(NoKeys):
        Keys.of(document, DEFAULT)


# ── Issuer and audience ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "issuer",
    [
        None,
        f"{ISSUER}/",
        ISSUER.replace("kc.test", "KC.test"),
        ISSUER.replace("https", "http"),
        [ISSUER],
        f"{ISSUER}-evil",
        "",
        {"a": 1},
    ],
)
def test_another_issuer_is_refused_however_alike(issuer: Any) -> None:
    assert (
        refusal(
            K1.sign(claims(iss=issuer))
            if isinstance(issuer, str | None)
            else (signed_raw(json.dumps(claims(iss=issuer)).encode()))
        )
        is Reason.ISSUER
    )


@pytest.mark.parametrize(
    "audience",
    [
        None,
        "",
        [],
        "account",
        ["account"],
        "PIPELINES-API",
        "pipelines-api.evil",
        {"a": 1},
        [["pipelines-api"]],
        ["pipelines-api", 1],
        True,
    ],
)
def test_a_token_for_somebody_else_is_refused(audience: Any) -> None:
    assert refusal(signed_raw(json.dumps(claims(aud=audience)).encode())) is Reason.AUDIENCE


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["account", AUDIENCE]])
def test_a_token_may_be_for_others_too(audience: Any) -> None:
    assert whose(K1.sign(claims(aud=audience))).subject == "u-1"


@pytest.mark.parametrize(
    "changed",
    [
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": "DPoP"},
        {"typ": ["Bearer"]},
        {"at_hash": "x"},
        {"cnf": {"jkt": "x"}},
        {"events": {}},
    ],
    ids=str,
)
def test_what_is_no_bearers_access_token_is_refused(changed: dict[str, Any]) -> None:
    """An ID token says who has signed in, to the client; it opens nothing."""
    assert refusal(K1.sign(claims(**changed))) is Reason.KIND


def test_an_id_token_for_the_client_is_refused() -> None:
    assert refusal(K1.sign(claims(aud="console", typ="ID"))) is Reason.AUDIENCE


@pytest.mark.parametrize("kind", ["JWT", "at+jwt", "application/at+jwt", "AT+JWT"])
def test_the_types_of_access_tokens_are_known(kind: str) -> None:
    assert whose(K1.sign(claims(typ="Bearer"), typ=kind)).subject == "u-1"


# ── Times ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "changed",
    [
        {"iat": NOW + 3},
        {"iat": NOW + 0.9},
        {"iat": None},
        {"nbf": NOW + 29},
        {"exp": NOW - 29},
        {"exp": NOW + 0.5},
        {"exp": NOW + 86_400},
    ],
    ids=str,
)
def test_clocks_may_differ_a_little(changed: dict[str, Any]) -> None:
    assert whose(K1.sign(claims(**changed))).subject == "u-1"


@pytest.mark.parametrize(
    "changed",
    [
        {"nbf": NOW + 31},
        {"iat": NOW + 31},
        {"exp": NOW - 31},
        {"exp": None},
        {"exp": -1},
        {"exp": 0},
        {"exp": 1.5e9},
        {"exp": NOW + 10 * 365 * 86_400},
        {"iat": None, "exp": NOW + 90_000},
        {"iat": NOW - 90_000},
        {"iat": -1},
    ],
    ids=str,
)
def test_a_token_has_its_time(changed: dict[str, Any]) -> None:
    assert refusal(K1.sign(claims(**changed))) is Reason.TIMES


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("written", ['"1999999999"', "true", "null", "[1]", "{}", '""'])
def test_what_is_no_number_is_no_time(name: str, written: str) -> None:
    text = json.dumps(claims() | {name: 0}).replace(f'"{name}": 0', f'"{name}": {written}')

    assert refusal(signed_raw(text.encode())) is Reason.TIMES


@pytest.mark.parametrize("written", ["1e400", "NaN", "Infinity", "-Infinity", "9" * 400])
def test_a_number_that_nobody_can_hold_is_refused(written: str) -> None:
    text = json.dumps(claims(exp=0)).replace('"exp": 0', f'"exp": {written}')

    assert refusal(signed_raw(text.encode())) is Reason.MALFORMED


# ── Who it is ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "changed",
    [
        {"email": "root@example.com", "email_verified": True},
        {"email": "root@example.com", "email_verified": "true"},
        {"preferred_username": "admin", "name": "admin"},
        {"upn": "admin", "unique_name": "admin"},
    ],
    ids=str,
)
def test_nobody_is_who_they_call_themselves(changed: dict[str, Any]) -> None:
    assert whose(K1.sign(claims(**changed))) == Identity("u-1", frozenset({"ops"}), frozenset())


@pytest.mark.parametrize(
    "subject",
    [None, "", "u" * 256, "group:ops", "Group:ops", "a b", "a/b", "a\n", "ü", 7, ["u-1"], True],
)
def test_a_subject_that_could_own_nothing_is_refused(subject: Any) -> None:
    raw = json.dumps(claims(sub=subject) if subject is not None else claims(sub=None))

    assert refusal(signed_raw(raw.encode())) is Reason.SUBJECT


@pytest.mark.parametrize("subject", ["auth0|5f7c", "f:0a1b:alice", "a@b.example", "u" * 255])
def test_subjects_of_known_issuers_are_taken(subject: str) -> None:
    assert whose(K1.sign(claims(sub=subject))).subject == subject


def test_claims_are_found_where_the_operator_says() -> None:
    rules = Rules(
        issuer=ISSUER,
        audience=AUDIENCE,
        subject_claim="employee",
        groups_claim="https://acme.test/groups",
        roles_claim="resource_access.pipelines-api.roles",
    )
    token = K1.sign(
        claims(sub="ignored")
        | {
            "employee": "e-7",
            "https://acme.test/groups": ["a"],
            "resource_access": {"pipelines-api": {"roles": ["viewer"]}},
            "realm_access": {"roles": ["administrator"]},
        }
    )

    assert whose(token, rules=rules) == Identity("e-7", frozenset({"a"}), frozenset({"viewer"}))


@pytest.mark.parametrize(
    ("groups", "known"),
    [
        (None, set()),
        ([], set()),
        ("ops", {"ops"}),
        (["/ops", "ops", "/ops/eu"], {"ops", "ops/eu"}),
        (["", "/", "//x", "a b", "ü", "g" * 250], set()),
    ],
)
def test_groups_that_could_own_nothing_are_left_out(groups: Any, known: set[str]) -> None:
    assert whose(K1.sign(claims(groups=groups))).groups == known


@pytest.mark.parametrize(
    "changed",
    [{"groups": [1]}, {"groups": {"a": 1}}, {"groups": 7}, {"realm_access": {"roles": [None]}}],
    ids=str,
)
def test_groups_and_roles_are_texts(changed: dict[str, Any]) -> None:
    assert refusal(K1.sign(claims(**changed))) is Reason.CLAIMS


@pytest.mark.parametrize("access", [7, "administrator", ["administrator"], {"roles": None}])
def test_a_path_that_leads_nowhere_gives_no_role(access: Any) -> None:
    assert whose(K1.sign(claims(realm_access=access))).roles == set()


# ── Hostile tokens ───────────────────────────────────────────────────────────────────────


def test_a_genuine_token_with_three_hundred_groups_is_believed() -> None:
    groups = [f"/department-{number:03}/{'x' * 16}" for number in range(300)]
    token = K1.sign(claims(groups=groups))

    assert len(token) > 12_000
    assert len(whose(token).groups) == 300


HUGE = "A" * 1_048_576
GOOD = K1.sign(claims())
HEAD, PAYLOAD, SIGNATURE = GOOD.split(".")


@pytest.mark.parametrize(
    "token",
    [
        f"{HUGE}.{PAYLOAD}.{SIGNATURE}",
        f"{HEAD}.{HUGE}.{SIGNATURE}",
        f"{HEAD}.{PAYLOAD}.{HUGE}",
        f"{encoded({'alg': 'RSA-OAEP', 'enc': 'A256GCM', 'zip': 'DEF'})}.a.b.c.d",
        unsigned({"alg": "RS256", "kid": "k1", "x": "y" * 4000}, claims()),
        f"{encoded(b'[' * 9000)}.{PAYLOAD}.{SIGNATURE}",
        f"{encoded(b'{' * 9000)}.{PAYLOAD}.{SIGNATURE}",
        signed_raw(b"[" * 10_000 + b"]" * 5000),
        signed_raw(b'{"a":' * 3000 + b"1" + b"}" * 3000),
        signed_raw(b"[1]"),
        signed_raw(b'"text"'),
        signed_raw(b"null"),
        signed_raw(b"{}x"),
        signed_raw(b"\xff\xfe"),
        signed_raw(json.dumps(claims()).replace("{", '{"sub": "root", ', 1).encode()),
        signed_raw(json.dumps(claims()).encode(), b'{"alg":"none","alg":"RS256","kid":"k1"}'),
        f"{HEAD}=.{PAYLOAD}.{SIGNATURE}",
        f"{HEAD}.{PAYLOAD}==.{SIGNATURE}",
        f"{HEAD}. {PAYLOAD}.{SIGNATURE}",
        f"{HEAD}.{PAYLOAD}.{SIGNATURE}\n",
        f"{HEAD}.{PAYLOAD[:10]}+{PAYLOAD[11:]}.{SIGNATURE}",
        f"{HEAD}.{PAYLOAD}.{SIGNATURE[:-1]}{'B' if SIGNATURE[-1] != 'B' else 'C'}",
        f"{HEAD}.{PAYLOAD}",
        "..",
        f"{HEAD}..{SIGNATURE}",
        f"{HEAD}.{PAYLOAD}.",
        "",
        "ünïcode.a.b",
    ],
    ids=range(28),
)
def test_hostile_tokens_are_refused_at_once_and_cost_no_memory(token: str) -> None:
    tracemalloc.start()
    began_at = time.thread_time()
    try:
        reason = refusal(token)
        took, (_, peak) = time.thread_time() - began_at, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert reason in (Reason.MALFORMED, Reason.SIGNATURE)
    assert took < 0.05
    assert peak < 2 * 1024 * 1024


def test_the_signature_is_checked_before_anything_is_read() -> None:
    """Otherwise strangers have us parse what they like."""
    hostile = f"{HEAD}.{encoded(b'[' * 9000)}.{SIGNATURE}"

    assert refusal(hostile) is Reason.SIGNATURE


def test_the_door_lets_through_every_token_that_could_be_believed() -> None:
    limits = import_module("pipeline_engine_web.door.limits")

    assert MOST_CHARACTERS + 4096 < limits.HEAD_BYTES


def test_an_api_token_is_not_taken_for_a_jwt() -> None:
    assert is_compact(GOOD)
    assert not any(map(is_compact, ["pe_abc_def", "a.b", "a.b.c.d.e", "", "secret"]))


def test_a_mint_rotates_and_withdraws() -> None:
    mint = Mint(AUDIENCE, algorithm="ES256")
    first, second = mint.key, mint.rotate("EdDSA")

    assert [key["kid"] for key in mint.jwks()["keys"]] == [first.id, second.id]
    mint.withdraw()
    assert mint.keys == [second]
    assert "d" not in second.jwk
    with pytest.raises(ValueError, match="HS256"):
        mint.rotate("HS256")


def test_no_published_key_is_readable_as_a_private_one() -> None:
    for key in (K1, EC, ED):
        assert not {"d", "p", "q", "k"} & key.jwk.keys()
