"""What a token must be before its claims are believed: a table of forgeries, each with its code."""

from __future__ import annotations

import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from discretion.errors import Unauthenticated
from discretion.token.grant import Grant
from tests.unit.token.forged_tokens import (
    EC,
    ED,
    GONE,
    KEYS,
    ORDER,
    STRANGER,
    b64,
    claims,
    headed,
    header,
    outcome,
    p256,
    raw_signature,
    signed,
    token,
    unb64,
    verifier,
)

GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
EC_GOOD = token(EC)
PUBLIC = unb64(ED.jwk["x"])
PUBLIC_JWK = json.dumps(KEYS.public_jwks()["keys"][0]).encode()
PEM = KEYS.active.verifying.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
VERIFIER = verifier()


def spliced(signature: bytes, text: str = GOOD) -> str:
    """A token with another signature."""
    return f"{text.rpartition('.')[0]}.{b64(signature)}"


def unsigned(algorithm: str) -> str:
    """A token that says it needs no signature, with a leftover one that makes the shape right."""
    return signed(header(alg=algorithm), claims(), lambda _: b"x")


def hmac_with(secret: bytes, algorithm: str = "HS256") -> str:
    """A token whose 'secret' is something public."""
    return signed(header(alg=algorithm), claims(), lambda said: hmac.digest(secret, said, "sha256"))


def flipped(text: str, at: int) -> str:
    """A token with one bit of its signature flipped."""
    raw = bytearray(unb64(text.rpartition(".")[2]))
    raw[at] ^= 1
    return spliced(bytes(raw), text)


def der(raw: bytes) -> bytes:
    """An ES256 signature as certificates write it; JOSE does not."""
    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))


def plus_order(raw: bytes) -> bytes:
    """An EdDSA signature with S + L for S, which careless code accepts too."""
    order = 2**252 + 27742317777372353535851937790883648493
    return raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")


def written(head: bytes = b"", body: bytes = b"") -> str:
    """A good token with members written in front of its header's, or of its claims'."""
    heads, bodies = json.dumps(header()).encode(), json.dumps(claims()).encode()
    return signed(b"{" + head + heads[1:], b"{" + body + bodies[1:], ED.sign)


def padded(pad: str, at: int) -> str:
    """A good token with padding on one of its segments."""
    return ".".join(part + pad * (n == at) for n, part in enumerate(GOOD.split(".")))


ALGORITHM = [
    *(
        (f"alg {name!r} is no algorithm", unsigned(name))
        for name in ("none", "None", "NONE", "nOnE", "", " ")
    ),
    ("alg may not be left out", signed(header(alg=GONE), claims(), ED.sign)),
    ("HS256 keyed with the public key's PEM", hmac_with(PEM)),
    ("HS256 keyed with the public key's bytes", hmac_with(PUBLIC)),
    ("HS256 keyed with the published JWK", hmac_with(PUBLIC_JWK)),
    ("HS256 keyed with nothing", hmac_with(b"")),
    ("HS512 keyed with the public key's bytes", hmac_with(PUBLIC, "HS512")),
    ("ES256 on an Ed25519 key", headed(ED, alg="ES256")),
    ("EdDSA on a P-256 key", headed(EC, alg="EdDSA")),
    (
        "ES256 signed by our P-256 key under the Ed25519 kid",
        signed(header(ED, alg="ES256"), claims(), EC.sign),
    ),
    *(
        (f"{name} is not served", headed(alg=name))
        for name in ("RS256", "PS256", "ES384", "ES256K", "Ed25519")
    ),
    ("alg in another case", headed(alg="eddsa")),
    ("alg with a space", headed(alg="EdDSA ")),
]

TYPE = [
    ("typ may not be left out", headed(typ=GONE)),
    ("typ 'JWT': an identity token is not an access token", headed(typ="JWT")),
    ("typ of a logout token", headed(typ="logout+jwt")),
    ("typ of a DPoP proof", headed(typ="dpop+jwt")),
    ("typ with a parameter", headed(typ="at+jwt;v=1")),
    ("typ with a space", headed(typ=" at+jwt")),
    ("typ empty", headed(typ="")),
    ("typ of another media tree", headed(typ="text/at+jwt")),
]

KEY = [
    ("kid may not be left out", headed(kid=GONE)),
    ("kid of nobody", signed(header(STRANGER), claims(), STRANGER.sign)),
    *(
        (f"kid {name!r} is only looked up", headed(kid=name))
        for name in (
            "",
            "../../dev/null",
            "/dev/null",
            "' OR '1'='1",
            "$ne",
            "*",
            "\x00",
            "\ud800",
            ED.kid[:-1],
        )
    ),
    ("kid in another case", headed(kid=ED.kid.swapcase())),
    ("kid with a space", headed(kid=ED.kid + " ")),
    ("kid very long", headed(kid="k" * 4000)),
]

SIGNED = [
    ("our kid, a stranger's signature", signed(header(), claims(), STRANGER.sign)),
    ("one bit of R flipped", flipped(GOOD, 0)),
    ("one bit of S flipped", flipped(GOOD, 63)),
    ("the signature of another token", f"{HEAD}.{BODY}.{token(jti='another').rpartition('.')[2]}"),
    (
        "the header of another token",
        f"{headed(typ='application/at+jwt').partition('.')[0]}.{BODY}.{SIGNATURE}",
    ),
    ("the claims of another token", f"{HEAD}.{token(scope='steward').split('.')[1]}.{SIGNATURE}"),
    ("S + L for S", spliced(plus_order(unb64(SIGNATURE)))),
    ("half a signature", spliced(unb64(SIGNATURE)[:32])),
    ("a signature and a byte", spliced(unb64(SIGNATURE) + b"\0")),
    ("64 zeros", spliced(bytes(64))),
    ("the neutral point and zero", spliced(b"\1" + bytes(63))),
    ("one byte", spliced(b"\0")),
    ("ES256: one bit of r flipped", flipped(EC_GOOD, 0)),
    ("ES256: one bit of s flipped", flipped(EC_GOOD, 63)),
    ("ES256 in DER", spliced(der(unb64(EC_GOOD.rpartition(".")[2])), EC_GOOD)),
    ("ES256: r and s zero", spliced(bytes(64), EC_GOOD)),
    ("ES256: r zero", spliced(bytes(32) + unb64(EC_GOOD.rpartition(".")[2])[32:], EC_GOOD)),
    ("ES256: s zero", spliced(unb64(EC_GOOD.rpartition(".")[2])[:32] + bytes(32), EC_GOOD)),
    ("ES256: r and s are the order", spliced(raw_signature(ORDER, ORDER), EC_GOOD)),
    ("ES256: r and s are one", spliced(raw_signature(1, 1), EC_GOOD)),
    ("ES256: r and s as large as they can be", spliced(b"\xff" * 64, EC_GOOD)),
    ("ES256: by another P-256 key", signed(header(EC), claims(), p256("a stranger's").sign)),
    ("an EdDSA signature under ES256", signed(header(EC), claims(), ED.sign)),
]

MALFORMED = [
    ("crit", headed(crit=["exp"])),
    ("crit, empty", headed(crit=[])),
    ("crit, a string", headed(crit="b64")),
    ("b64 false", headed(b64=False, crit=["b64"])),
    ("b64 false, not said critical", headed(b64=False)),
    ("b64 false, detached", f"{b64(json.dumps(header(b64=False, crit=['b64'])).encode())}..{SIGNATURE}"),
    ("jku", headed(jku="https://keys.attacker.example/jwks.json")),
    ("x5u", headed(x5u="https://keys.attacker.example/cert.pem")),
    ("x5c", headed(x5c=["MIIB"])),
    ("x5t", headed(x5t="abc")),
    ("jwk, and signed with it", signed(header(jwk=STRANGER.jwk), claims(), STRANGER.sign)),
    ("zip", headed(zip="DEF")),
    ("cty: a token in a token", headed(cty="JWT")),
    ("a header member nobody knows", headed(extra="1")),
    ("kid an object", headed(kid={"$ne": ""})),
    ("kid a list", headed(kid=[ED.kid])),
    ("kid a number", headed(kid=1)),
    ("kid null", headed(kid=None)),
    ("alg a list", headed(alg=["EdDSA"])),
    ("alg null", headed(alg=None)),
    ("typ a list", headed(typ=["at+jwt"])),
    ("alg twice in the header", written(head=b'"alg": "none",')),
    ("kid twice, once escaped", written(head=b'"\\u006bid": "x",')),
    ("sub twice in the claims", written(body=b'"sub": "x",')),
    ("exp twice, once escaped", written(body=b'"\\u0065xp": 1,')),
    ("a name twice deeper down", written(body=b'"act": {"sub": "a", "sub": "b"},')),
    ("NaN", written(body=b'"x": NaN,')),
    ("Infinity", written(body=b'"x": Infinity,')),
    ("minus Infinity", written(body=b'"x": -Infinity,')),
    ("a number too large to be one", written(body=b'"x": 1e999,')),
    ("the same below zero", written(body=b'"x": -1e999,')),
    ("a number of 4,400 digits", written(body=b'"x": ' + b"9" * 4400 + b",")),
    ("nested deeper than a token has reason to", written(body=b'"x": ' + b"[" * 300 + b"]" * 300 + b",")),
    ("nested as deep as fits", written(body=b'"x": ' + b"[" * 2700 + b"]" * 2700 + b",")),
    ("nested and never closed", signed(header(), b"[" * 5900, ED.sign)),
    ("nested in the header", signed(b'{"kid":' * 400 + b"1" + b"}" * 400, claims(), ED.sign)),
    ("claims that are a list", signed(header(), b"[]", ED.sign)),
    ("claims that are a string", signed(header(), b'"claims"', ED.sign)),
    ("claims that are null", signed(header(), b"null", ED.sign)),
    ("a header that is a list", signed(b"[]", claims(), ED.sign)),
    ("claims with something after them", signed(header(), json.dumps(claims()).encode() + b"{}", ED.sign)),
    (
        "claims with a byte order mark",
        signed(header(), b"\xef\xbb\xbf" + json.dumps(claims()).encode(), ED.sign),
    ),
    ("claims in UTF-16", signed(header(), json.dumps(claims()).encode("utf-16-le"), ED.sign)),
    ("claims that are not UTF-8", written(body=b'"x": "\xff",')),
    ("claims with a comment", written(body=b'"x": 1, /* */')),
    ("an encrypted token: five segments", f"{GOOD}.{SIGNATURE}.{SIGNATURE}"),
    ("four segments", f"{GOOD}.{SIGNATURE}"),
    ("two segments", f"{HEAD}.{BODY}"),
    ("two segments and a dot", f"{HEAD}.{BODY}."),
    ("no header", f".{BODY}.{SIGNATURE}"),
    ("no claims", f"{HEAD}..{SIGNATURE}"),
    ("dots only", ".."),
    ("nothing", ""),
    ("JSON serialisation", json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE})),
    *((f"padding {pad!r} on segment {at}", padded(pad, at)) for pad in ("=", "==") for at in range(3)),
    *((f"whitespace {space!r} in front", space + GOOD) for space in (" ", "\n", "\t", "\ufeff", "\u00a0")),
    *((f"whitespace {space!r} behind", GOOD + space) for space in (" ", "\n", "\r\n", "\0")),
    ("whitespace within", GOOD.replace(".", ". ", 1)),
    ("the other base64 alphabet", f"{HEAD}.{BODY}.{'+/' + SIGNATURE[2:]}"),
    ("digits that are not ASCII", f"{HEAD}.{BODY}.{chr(0x661) + SIGNATURE[1:]}"),
    ("a lone surrogate", GOOD + "\ud800"),
    ("a segment of an impossible length", f"{HEAD}.{BODY}.{SIGNATURE[:85]}"),
    ("bits that mean nothing, set", f"{HEAD}.{BODY}.{SIGNATURE[:-1]}{chr(ord(SIGNATURE[-1]) + 1)}"),
    ("larger than 8 KiB, and signed", token(other="x" * 8192)),
    ("a megabyte", "a" * 2**20 + ".a.a"),
]

SAID = {
    "TOKEN_ALGORITHM": "The token is refused: its algorithm is not its key's.",
    "TOKEN_TYPE": "The token is refused: its type is not at+jwt.",
    "TOKEN_KEY_UNKNOWN": "The token is refused: its key is not one of ours.",
    "TOKEN_SIGNATURE": "The token is refused: its signature does not hold.",
}
"""All that a forger hears; of a shape that is wrong, which rule of the shape."""

TABLE = [
    *((law, text, "TOKEN_ALGORITHM") for law, text in ALGORITHM),
    *((law, text, "TOKEN_TYPE") for law, text in TYPE),
    *((law, text, "TOKEN_KEY_UNKNOWN") for law, text in KEY),
    *((law, text, "TOKEN_SIGNATURE") for law, text in SIGNED),
    *((law, text, "TOKEN_MALFORMED") for law, text in MALFORMED),
]
HOLDS = [
    ("EdDSA", GOOD),
    ("ES256", EC_GOOD),
    ("typ in another case: media types have none", headed(typ="AT+JWT")),
    ("typ in full", headed(typ="application/at+jwt")),
    ("a claim we do not know", token(acr="1", amr=["pwd"], act={"sub": "x"})),
    ("spaces within the JSON", signed(b" " + json.dumps(header(), indent=1).encode(), claims(), ED.sign)),
    ("just under 8 KiB", token(other="x" * 5600)),
]


@pytest.mark.parametrize(("law", "text", "code"), TABLE, ids=[law for law, _, _ in TABLE])
def test_a_forgery_is_refused_with_its_code(law: str, text: str, code: str) -> None:
    """Each row is a law, and the refusal says nothing of what was sent."""
    with pytest.raises(Unauthenticated) as refused:
        VERIFIER.verify(text)
    assert refused.value.code == code, law
    assert refused.value.message == SAID.get(code, refused.value.message)
    assert not any(len(part) > 3 and part in str(refused.value) for part in text.split("."))


@pytest.mark.parametrize(("law", "text"), HOLDS, ids=[law for law, _ in HOLDS])
def test_a_token_that_holds_is_granted(law: str, text: str) -> None:
    """The table above refuses for the reason it names, not because nothing is accepted."""
    assert isinstance(outcome(VERIFIER, text), Grant), law
