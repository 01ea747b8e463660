"""What a token must be: a table of forgeries and slips, each with the code it is refused with."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.token.smith import (
    AUDIENCE,
    DAY,
    EC,
    ED,
    GONE,
    ISSUER,
    LEEWAY,
    NOW,
    ORDER,
    PRIVATE,
    STRANGER,
    Clock,
    b64,
    claims,
    headed,
    header,
    key_set,
    outcome,
    p256,
    raw_signature,
    signed,
    token,
    unb64,
    verifier,
)

settings.register_profile("token", derandomize=True, deadline=None)
LAW = settings(settings.get_profile("token"), max_examples=200)

GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
EC_GOOD = token(EC)
PUBLIC = unb64(ED.jwk["x"])
PUBLIC_JWK = json.dumps({name: ED.jwk[name] for name in ("crv", "kty", "x")}).encode()


def spliced(signature: bytes, text: str = GOOD) -> str:
    """A token with another signature."""
    return f"{text.rpartition('.')[0]}.{b64(signature)}"


def unsigned(algorithm: str) -> str:
    """A token that says it needs no signature, with a leftover one that makes the shape right."""
    return signed(header(alg=algorithm), claims(), lambda _: b"x")


def hmac_with(secret: bytes, algorithm: str = "HS256") -> str:
    """A token whose 'secret' is something public."""
    return signed(header(alg=algorithm), claims(), lambda said: hmac.digest(secret, said, "sha256"))


def twin(text: str) -> str:
    """The other signature that ECDSA allows for the same message: (r, n - s)."""
    raw = unb64(text.rpartition(".")[2])
    return spliced(raw_signature(int.from_bytes(raw[:32]), ORDER - int.from_bytes(raw[32:])), text)


def flipped(text: str, at: int) -> str:
    """A token with one bit of its signature flipped."""
    raw = bytearray(unb64(text.rpartition(".")[2]))
    raw[at] ^= 1
    return spliced(bytes(raw), text)


def der(raw: bytes) -> bytes:
    """An ES256 signature as certificates write it; JOSE does not."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))


def plus_order(raw: bytes) -> bytes:
    """An EdDSA signature with S + L for S, which careless code accepts too."""
    order = 2**252 + 27742317777372353535851937790883648493
    return raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")


def worded(name: str, value: bytes) -> str:
    """A signed token where a claim stands in bytes of our choice."""
    rest = json.dumps(claims(**{name: GONE})).encode()
    return signed(header(), b'{"%s": %s, ' % (name.encode(), value) + rest[1:], ED.sign)


ALGORITHM = [
    *((f"alg {name!r} is no algorithm", unsigned(name)) for name in ("none", "None", "NONE", "nOnE", "", " ")),
    ("alg may not be left out", signed(header(alg=GONE), claims(), ED.sign)),
    ("HS256 keyed with the public key's PEM", hmac_with(PRIVATE[0].public_key().public_bytes_raw())),
    ("HS256 keyed with the public key's bytes", hmac_with(PUBLIC)),
    ("HS256 keyed with the published JWK", hmac_with(PUBLIC_JWK)),
    ("HS256 keyed with nothing", hmac_with(b"")),
    ("HS512 keyed with the public key's bytes", hmac_with(PUBLIC, "HS512")),
    ("ES256 on an Ed25519 key", headed(ED, alg="ES256")),
    ("EdDSA on a P-256 key", headed(EC, alg="EdDSA")),
    ("ES256 signed by our P-256 key under the Ed25519 kid", signed(header(ED, alg="ES256"), claims(), EC.sign)),
    *((f"{name} is not served", headed(alg=name)) for name in ("RS256", "PS256", "ES384", "ES256K", "Ed25519")),
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
        for name in ("", "../../dev/null", "/dev/null", "' OR '1'='1", "$ne", "*", "\x00", "\ud800", ED.kid[:-1])
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
    ("the header of another token", f"{headed(typ='application/at+jwt').partition('.')[0]}.{BODY}.{SIGNATURE}"),
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

DEEP = b"[" * 300 + b"]" * 300
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
    ("alg twice in the header", signed(b'{"alg":"none",' + json.dumps(header()).encode()[1:], claims(), ED.sign)),
    ("kid twice, once escaped", signed(b'{"\\u006bid":"x",' + json.dumps(header()).encode()[1:], claims(), ED.sign)),
    ("sub twice in the claims", signed(header(), json.dumps(claims()).encode()[:-1] + b',"sub":"x"}', ED.sign)),
    ("exp twice, once escaped", signed(header(), b'{"\\u0065xp":1,' + json.dumps(claims()).encode()[1:], ED.sign)),
    ("a name twice deeper down", worded("act", b'{"sub": "a", "sub": "b"}')),
    ("NaN", worded("exp", b"NaN")),
    ("Infinity", worded("exp", b"Infinity")),
    ("minus Infinity where nobody looks", worded("other", b"-Infinity")),
    ("a number too large to be one", worded("other", b"1e999")),
    ("a number too small to be one", worded("other", b"-1e999")),
    ("a number of 4,400 digits", worded("exp", b"9" * 4400)),
    ("nested 300 deep", worded("other", DEEP)),
    ("nested as deep as fits", worded("other", b"[" * 2900 + b"]" * 2900)),
    ("nested and never closed", signed(header(), b"[" * 5900, ED.sign)),
    ("nested in the header", signed(b'{"kid":' * 400 + b"1" + b"}" * 400, claims(), ED.sign)),
    ("claims that are a list", signed(header(), b"[]", ED.sign)),
    ("claims that are a string", signed(header(), b'"claims"', ED.sign)),
    ("claims that are null", signed(header(), b"null", ED.sign)),
    ("a header that is a list", signed(b"[]", claims(), ED.sign)),
    ("claims with something after them", signed(header(), json.dumps(claims()).encode() + b"{}", ED.sign)),
    ("claims with a byte order mark", signed(header(), b"\xef\xbb\xbf" + json.dumps(claims()).encode(), ED.sign)),
    ("claims in UTF-16", signed(header(), json.dumps(claims()).encode("utf-16-le"), ED.sign)),
    ("claims that are not UTF-8", worded("other", b'"\xff"')),
    ("claims with a comment", worded("other", b"1 /* */")),
    ("an encrypted token: five segments", f"{GOOD}.{SIGNATURE}.{SIGNATURE}"),
    ("four segments", f"{GOOD}.{SIGNATURE}"),
    ("two segments", f"{HEAD}.{BODY}"),
    ("two segments and a dot", f"{HEAD}.{BODY}."),
    ("no header", f".{BODY}.{SIGNATURE}"),
    ("no claims", f"{HEAD}..{SIGNATURE}"),
    ("dots only", ".."),
    ("nothing", ""),
    ("JSON serialisation", json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE})),
    *((f"padding {pad!r} on segment {at}", ".".join(part + pad if n == at else part for n, part in enumerate(GOOD.split("."))))
      for pad in ("=", "==") for at in range(3)),
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
