"""Whether a purpose is permitted, read once more from the texts of the laws, in plain ifs.

Nothing here comes from the package under test, and nothing from ``schema/``: plain strings, numbers and
truth values in, one truth value out. It was written before the code it judges was read. Slow and long
winded on purpose: each answer can be held against the article beside it.

Three sorts of lines are the house's and not a law's; they say "house": binding bases, what counts as said,
and the stricter of two readings where a text leaves both open.
"""

# ruff: noqa: SIM102, SIM103 - an article to each if, however plain the answer
from __future__ import annotations

SAID: dict[str, tuple[str, str, bool, bool, str]] = {
    # what was said, oldest first: (what stands for a grown person, whose yes it is, the yes is express,
    #                               a guardian's yes stands after every no, what stands without the yes)
    "nothing": ("nothing", "", False, False, "nothing"),
    "yes": ("yes", "own", True, False, "nothing"),
    "no": ("no", "", False, False, "no"),
    "no, then yes": ("yes", "own", True, False, "nothing"),
    "yes, then no": ("no", "", False, False, "no"),
    "yes and no at once": ("no", "", False, False, "no"),  # house: of two at once the no
    # house: a consent that is older than it lasts is as if never given
    "yes lapsed": ("nothing", "", False, False, "nothing"),
    "no, then yes lapsed": ("nothing", "", False, False, "nothing"),  # the yes took the no back all the same
    "guardian yes lapsed": ("nothing", "", False, False, "nothing"),
    "stamp yes lapsed": ("nothing", "", False, False, "nothing"),
    # house: what a source stamps speaks for the person until they do; its no always counts
    "stamp yes": ("yes", "own", False, False, "nothing"),
    "stamp no": ("no", "", False, False, "no"),
    "stamp no, then stamp yes": ("yes", "own", False, False, "nothing"),
    "stamp yes, then stamp no": ("no", "", False, False, "no"),
    "stamp yes here, stamp no there": ("no", "", False, False, "no"),
    "stamp no there, stamp yes here": ("no", "", False, False, "no"),
    "no, then stamp yes": ("no", "", False, False, "no"),
    "yes, then stamp no": ("no", "", False, False, "no"),
    "stamp no, then yes": ("yes", "own", True, False, "no"),
    # GDPR Art. 8(1): the holder of parental responsibility gives or authorises; EDPB 05/2020, 148-149: what a
    # parent gave holds on after the age is reached, until the person takes it back
    "guardian yes": ("yes", "guardian", True, True, "nothing"),
    "guardian yes, then no": ("no", "", False, False, "no"),
    "guardian yes, then guardian no": ("no", "", False, False, "no"),
    "no, then guardian yes": (
        "no",
        "",
        False,
        True,
        "no",
    ),  # house: nobody lifts a grown person's no for them
    "yes, then guardian yes": ("yes", "own", True, True, "nothing"),
    "guardian yes, then yes": ("yes", "own", True, True, "nothing"),
    "guardian no, then yes": ("yes", "own", True, False, "no"),
    # a purpose is a tree: what is said of a node is said of what is below it
    "parent yes": ("yes", "own", True, False, "nothing"),
    "parent no": ("no", "", False, False, "no"),
    "parent no, then yes": ("yes", "own", True, False, "no"),
    "parent yes, then no": ("no", "", False, False, "no"),
    "yes, then parent no": ("no", "", False, False, "no"),
    "no, then parent yes": ("yes", "own", True, False, "no"),
}
PLACES = (
    *("br", "ca", "ca-qc", "ch", "cn", "eu", "gb", "in", "jp", "za"),
    *("us-ca", "us-co", "us-ct", "us-de", "us-ia", "us-in", "us-ky", "us-md", "us-mn", "us-mt", "us-ne"),
    *("us-nh", "us-nj", "us-or", "us-ri", "us-tn", "us-tx", "us-ut", "us-va"),
)
DPDP_IN_FORCE = "2027-05-13"  # 18 months after G.S.R. 846(E) of 13 November 2025, Rule 1(4)


def permitted(
    place: str,
    *,
    basis: str,
    family: str,
    said: str,
    signal: str = "none",
    restricted: bool = False,
    limited: bool = False,
    age: int | None = None,
    kind: str = "",
    changed: bool = False,
    day: str = "2026-11-24",
) -> bool:
    """Whether a person of one place may be dealt with for a purpose.

    ``said`` is a key of ``SAID``; ``signal`` is none, before (all that was said) or after; ``age`` in years,
    None unknown; ``kind`` is the sensitive kind of the data or nothing; ``limited`` whether the use of
    sensitive data was limited; ``changed`` whether the notice changed since; ``day`` is today (ISO 8601).
    """
    # House: what the law orders, what saves a life and what a public task demands is not the person's to
    # refuse (GDPR Art. 7(3) and 21(1) do not reach Art. 6(1)(c), (d); Art. 18(2)).
    if basis in ("legal_obligation", "vital_interest", "public_task"):
        return True
    if restricted:  # GDPR Art. 18(2), in its narrow reading
        return False
    # House: who may live anywhere is protected by the strictest rule of each law.
    laws = (place,) if place in PLACES else PLACES
    word, whose, express, guardian, without = SAID[said]
    if changed and any(renewed(law) for law in laws):
        word, whose, express, guardian = without, "", False, False
    if any(forbidden(law, family, age) for law in laws):
        return False
    if any(signalled(law, family, signal) for law in laws):
        # 11 CCR 7025(c)(4): the consumer may consent notwithstanding the signal, once asked
        if not (signal == "before" and (express or guardian)):
            return False
    young = any(guarded(law, age) for law in laws)
    if kind:
        if any(opted_into(law, kind, day) for law in laws):
            # GDPR Art. 9(2) knows no contract and no interest; explicit: Art. 9(2)(a), PIPEDA Sch. 1, 4.3.6
            if young and not guardian:
                return False
            if not young and not (word == "yes" and express):
                return False
        if limited and any(opted_into(law, kind, day) or opted_out_of(law, kind) for law in laws):
            # Cal. Civ. Code 1798.121(a), 11 CCR 7027(m)(1)-(3); Iowa 715D.4(2); Utah 13-61-302(3);
            # house: a no is heard everywhere
            if family not in ("necessary", "security"):
                return False
    if basis == "contract":
        return True
    if any(own_yes(law, family, age) for law in laws):
        if not (word == "yes" and whose == "own"):
            return False
    if any(asks_consent(law, basis, family) for law in laws):
        if young:
            return guardian
        return word == "yes"
    if any(guarded_all(law, family) and guarded(law, age) for law in laws):
        return guardian
    return word != "no"  # house: a no is honoured, even where a law asks for a notice only


def signalled(place: str, family: str, signal: str) -> bool:
    """Whether an opt-out preference signal was heard that binds."""
    if family != "sharing" or signal == "none":
        return False
    if place == "us-ca":  # Cal. Civ. Code 1798.135(e), 11 CCR 7025(b)-(c)
        return True
    if place == "us-co":  # C.R.S. 6-1-1306(1)(a)(IV), since 1 July 2024
        return True
    if place == "us-ct":  # Conn. Gen. Stat. 42-520(e)(1)(A)(ii), since 1 January 2025
        return True
    if place == "us-de":  # 6 Del. C. 12D-106(e)(1)a.2, since 1 January 2026
        return True
    if place == "us-md":  # Md. Com. Law 14-4607(f)
        return True
    if place == "us-mn":  # Minn. Stat. 325M.16 subd. 1(e)
        return True
    if place == "us-mt":  # Mont. Code 30-14-2812
        return True
    if place == "us-ne":  # Neb. Rev. Stat. 87-1115
        return True
    if place == "us-nh":  # N.H. RSA 507-H:6
        return True
    if place == "us-nj":  # N.J.S.A. 56:8-166.11, since 15 July 2025
        return True
    if place == "us-or":  # ORS 646A.578, since 1 January 2026
        return True
    if place == "us-tx":  # Tex. Bus. & Com. Code 541.055(e)
        return True
    return False


def asks_consent(place: str, basis: str, family: str) -> bool:
    """Whether the law of a place asks for a yes before data that are not sensitive serve a purpose."""
    if family == "necessary":
        return False
    if place in ("eu", "gb"):
        # GDPR Art. 6(1)(a) against 6(1)(f) with Art. 21; ePrivacy Art. 5(3), 13(1) (PECR reg. 6, 22)
        return basis == "consent"
    if place == "br":  # LGPD Art. 7, I against IX
        return basis == "consent"
    if place == "za":  # POPIA s. 11(1)(a) against (f), s. 69(1)
        return basis == "consent"
    if place == "ch":
        if family in ("messages", "texts"):  # UCA Art. 3(1)(o)
            return True
        if family == "sharing":  # FADP Art. 5(g), 6(7)(b): linking across businesses is high-risk profiling
            return True
        return False  # FADP Art. 30(2)(b): until an express declaration against it
    if place == "ca":
        if family in ("messages", "texts"):  # CASL s. 6(1), 10(1)
            return True
        if family == "sharing":  # PIPEDA Sch. 1, 4.3.5-4.3.6: express, outside what is reasonably expected
            return True
        return False  # PIPEDA Sch. 1, 4.3.6: implied, with a way out
    if place == "ca-qc":
        if family in ("messages", "texts"):  # CASL s. 6(1)
            return True
        if family in ("personalisation", "advertising"):  # P-39.1, s. 8.1: profiling is off until switched on
            return True
        if family == "sharing":  # P-39.1, s. 13
            return True
        # P-39.1, s. 12(5) spares statistics consent once de-identified, s. 8.1 not while one is told from
        # another; house: so it is asked for. Security: s. 12(2); keeping right: s. 11.
        return family == "statistics"
    if place == "cn":
        if family == "security":  # PIPL Art. 13(3) with 51, Cybersecurity Law Art. 21
            return False
        if family == "improvement":  # PIPL Art. 8 makes it a duty, Art. 13(3) again
            return False
        return True  # PIPL Art. 13: no legitimate interest; Art. 23 for sharing
    if place == "in":
        # Binds from 13 May 2027 on; house: from the day its rules were published. Security: DPDP Act
        # s. 17(1)(c); keeping right: s. 8(3); statistics are free only by the standards of s. 17(2)(b), which
        # nobody promises here.
        return family not in ("security", "improvement")  # DPDP Act s. 4, 6
    if place == "jp":
        if family in ("messages", "texts"):  # Act on Specified Electronic Mail, Art. 3(1)
            return True
        return family == "sharing"  # APPI Art. 27(1), 31(1)
    return family == "texts"  # United States: TCPA, 47 U.S.C. 227; 47 CFR 64.1200(a)(2), (c)(2)


def guarded(place: str, age: int | None) -> bool:
    """Whether a yes has to be a guardian's at this age."""
    if age is None:  # all of these speak of whom one knows, or should know, to be young
        return False
    if place == "eu":  # GDPR Art. 8(1): 16, unless a state has less; house: 16 in each
        return age < 16
    if place == "gb":  # DPA 2018 s. 9
        return age < 13
    if place == "br":  # LGPD Art. 14(1) with ECA (Lei 8.069/1990) Art. 2
        return age < 12
    if place == "ca":  # OPC, Guidelines for obtaining meaningful consent
        return age < 13
    if place == "ca-qc":  # P-39.1, s. 4.1, 14
        return age < 14
    if (
        place == "ch"
    ):  # Civil Code Art. 19c: who can judge, decides; no number; house: as in the states around
        return age < 16
    if place == "cn":  # PIPL Art. 31
        return age < 14
    if place == "in":  # DPDP Act s. 2(f), 9(1)
        return age < 18
    if place == "jp":  # PPC Guidelines (general rules) and Q&A 1-62: up to 12 to 15; house: 15 included
        return age < 16
    if place == "za":  # POPIA s. 1 "child", 34-35
        return age < 18
    return age < 13  # COPPA, 16 CFR 312.5(a)


def guarded_all(place: str, family: str) -> bool:
    """Whether a guardian has to agree to a purpose of which others need only be told."""
    if family in ("necessary", "security", "improvement"):  # 16 CFR 312.2 "internal operations", 312.8
        return False
    if place.startswith(
        "us-"
    ):  # 16 CFR 312.5(a): "before any collection, use, or disclosure", counting included
        return True
    if place == "ca":  # OPC: below 13 nobody consents for themselves, by silence neither
        return True
    return place == "ch"  # house: who cannot judge cannot let it pass either


def own_yes(place: str, family: str, age: int | None) -> bool:
    """Whether a purpose takes the young person's own yes at this age, of which others need only be told."""
    if age is None or age < 13:
        return False
    if (
        place == "us-ct" and family == "personalisation"
    ):  # SB 1295 (2025): no profiling of minors without consent
        return age < 18
    if family != "sharing":
        return False
    if place == "us-ca":  # Cal. Civ. Code 1798.120(c)
        return age < 16
    if place == "us-co":  # C.R.S. 6-1-1308.5(2)(a), since 1 October 2025
        return age < 18
    if place == "us-de":  # 6 Del. C. 12D-106(a)(7)
        return age < 18
    if place == "us-mn":  # Minn. Stat. 325M.16 subd. 2: "between the ages of 13 and 16", 16 included
        return age < 17
    if place == "us-mt":  # Mont. Code 30-14-2812 as SB 297 (2025) has it: minors
        return age < 18
    if place == "us-nh":  # N.H. RSA 507-H:6, I(g)
        return age < 16
    if place == "us-nj":  # N.J.S.A. 56:8-166.12(a)(7)
        return age < 17
    return False


def forbidden(place: str, family: str, age: int | None) -> bool:
    """Whether nobody's yes permits it."""
    if age is None:
        return False
    if place == "in" and age < 18:
        return family in ("personalisation", "advertising", "sharing")  # DPDP Act s. 9(3)
    if place == "br" and age < 18:
        return family in ("advertising", "sharing")  # Lei 15.211/2025, Art. 22
    if place == "us-ct" and age < 18:
        return family == "sharing"  # SB 1295 (2025), since 1 July 2026
    if place == "us-md" and age < 18:
        return family == "sharing"  # Md. Com. Law 14-4607(a)(4)-(5)
    if place == "us-or" and age < 16:
        return family == "sharing"  # ORS 646A.578 as HB 2008 (2025) has it
    return False


def opted_into(place: str, kind: str, day: str) -> bool:
    """Whether a law asks for an express yes for a kind of data."""
    if place in ("eu", "gb"):
        if kind in ("belief", "biometric", "ethnicity", "genetic", "health", "sexuality"):  # GDPR Art. 9(1)
            return True
        return kind == "criminal"  # GDPR Art. 10; DPA 2018 Sch. 1, 29
    if place == "br":  # LGPD Art. 5, II
        return kind in ("belief", "biometric", "ethnicity", "genetic", "health", "sexuality")
    if place == "za":  # POPIA s. 26; "biometrics" in s. 1 has DNA; s. 34 for children
        if kind == "children":
            return True
        return kind in ("belief", "biometric", "criminal", "ethnicity", "genetic", "health", "sexuality")
    if place == "ch":  # FADP Art. 5(c), 6(7)(a)
        return kind in ("belief", "biometric", "criminal", "ethnicity", "genetic", "health", "sexuality")
    if (
        place == "ca"
    ):  # PIPEDA Sch. 1, 4.3.4; OPC Interpretation Bulletin (2022); Findings 2022-001 for whereabouts
        if kind in ("belief", "biometric", "ethnicity", "genetic", "health", "sexuality"):
            return True
        return kind in ("financial_account", "precise_location")
    if place == "ca-qc":  # P-39.1, s. 12: medical, biometric or otherwise intimate
        if kind in ("belief", "biometric", "ethnicity", "genetic", "health", "sexuality"):
            return True
        return kind in ("criminal", "financial_account", "precise_location")
    if place == "cn":  # PIPL Art. 28, "specific identities"; GB/T 35273-2020 annex B, GB/T 45574-2025
        if kind in (
            "belief",
            "biometric",
            "financial_account",
            "genetic",
            "health",
            "precise_location",
            "children",
        ):
            return True
        return kind in ("communications", "criminal", "ethnicity", "government_id", "sexuality")
    if place == "in":
        if day < DPDP_IN_FORCE:  # SPDI Rules 2011, 3 and 5(1)
            return kind in ("biometric", "financial_account", "health", "sexuality")
        return False  # the DPDP Act has no kinds
    if place == "jp":  # APPI Art. 2(3), 20(2)
        return kind in ("belief", "criminal", "ethnicity", "genetic", "health")
    if place in ("us-ca", "us-ia", "us-ut"):
        return False  # they may be limited, see opted_out_of
    # Va. Code 59.1-575, "sensitive data", and those modelled on it
    if kind in (
        "belief",
        "biometric",
        "children",
        "ethnicity",
        "genetic",
        "health",
        "immigration",
        "sexuality",
    ):
        return True
    if kind == "precise_location":  # in Colorado since SB 25-276
        return True
    if place == "us-ct":  # SB 1295 (2025), since 1 July 2026
        return kind in ("financial_account", "government_id")
    if place == "us-nj":  # N.J.S.A. 56:8-166.4
        return kind == "financial_account"
    return False


def opted_out_of(place: str, kind: str) -> bool:
    """Whether a law lets people limit a kind of data, and asks for no yes."""
    if place == "us-ca":  # Cal. Civ. Code 1798.140(ae); 11 CCR 7001 "sensitive personal information" (2026)
        if kind in ("belief", "biometric", "ethnicity", "genetic", "health", "immigration", "sexuality"):
            return True
        return kind in (
            "children",
            "communications",
            "financial_account",
            "government_id",
            "precise_location",
        )
    if place in ("us-ia", "us-ut"):  # Iowa Code 715D.1(26); Utah Code 13-61-101(32)
        if kind in ("belief", "biometric", "ethnicity", "genetic", "health", "immigration", "sexuality"):
            return True
        if kind == "children":  # Utah leaves them to COPPA, 13-61-302(3)(b)
            return place == "us-ia"
        return kind == "precise_location"
    return False


def renewed(place: str) -> bool:
    """Whether a material change of what is done takes a new yes."""
    if place == "br":  # LGPD Art. 8(6), 9(2) has people told; consent to another purpose is none, Art. 8(4)
        return True
    # EDPB 05/2020, 110; PIPL Art. 14; PIPEDA Sch. 1, 4.2.4; P-39.1 s. 12; APPI Art. 18(1); POPIA s. 13, 15;
    # FADP Art. 6(3); DPDP Act s. 6(1); 11 CCR 7002(e); FTC Act s. 5 (Gateway Learning, 2004) for all states
    return True
