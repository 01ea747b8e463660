"""Whether a purpose is permitted, derived a second time from the texts of the laws, in plain if statements.

Nothing here comes from the package under test or from ``schema/``: the input is strings, numbers and truth
values, the output is one truth value. It was written before the code it checks was read. It is slow and
long on purpose: each answer can be compared with the article cited beside it.

Three kinds of rules are the platform's and not a law's; they are marked "platform": binding bases, which
statements count, and the stricter of two readings where a text permits both.
"""

# ruff: noqa: SIM102, SIM103 - one if for each article, however simple the answer
from __future__ import annotations

from tests.properties.permission_matrix.statements import STATEMENTS

PLACES = (
    *("br", "ca", "ca-qc", "ch", "cn", "eu", "gb", "in", "jp", "za"),
    *("us-ca", "us-co", "us-ct", "us-de", "us-ia", "us-in", "us-ky", "us-md", "us-mn", "us-mt", "us-ne"),
    *("us-nh", "us-nj", "us-or", "us-ri", "us-tn", "us-tx", "us-ut", "us-va"),
)
DPDP_IN_FORCE = "2027-05-13"  # 18 months after G.S.R. 846(E) of 13 November 2025, Rule 1(4)


def is_permitted(
    place: str,
    *,
    basis: str,
    family: str,
    statement: str,
    signal: str = "none",
    restricted: bool = False,
    limited: bool = False,
    age: int | None = None,
    kind: str = "",
    notice_changed: bool = False,
    day: str = "2026-11-24",
) -> bool:
    """Return whether data of a person of one place may be used for a purpose.

    ``statement`` is a key of ``STATEMENTS``. ``signal`` is none, before (all statements) or after.
    ``age`` is in years, None if unknown. ``kind`` is the sensitive kind of the data or empty. ``limited``
    is whether the use of sensitive data was limited, ``notice_changed`` whether the notice changed since.
    ``day`` is today (ISO 8601).
    """
    # platform: a person cannot refuse legal obligations, vital interests and public tasks
    # (GDPR Art. 7(3) and 21(1) do not apply to Art. 6(1)(c), (d); Art. 18(2)).
    if basis in ("legal_obligation", "vital_interest", "public_task"):
        return True
    if restricted:  # GDPR Art. 18(2), in its narrow reading
        return False
    # platform: a person of an unknown place is protected by the strictest rule of each law.
    laws = (place,) if place in PLACES else PLACES
    answer, given_by, is_express, guardian_agreed, answer_without = STATEMENTS[statement]
    if notice_changed and any(requires_renewal(law) for law in laws):
        answer, given_by, is_express, guardian_agreed = answer_without, "", False, False
    if any(is_forbidden(law, family, age) for law in laws):
        return False
    if any(is_signal_binding(law, family, signal) for law in laws):
        # 11 CCR 7025(c)(4): the consumer may consent notwithstanding the signal, once asked
        if not (signal == "before" and (is_express or guardian_agreed)):
            return False
    is_minor = any(needs_guardian(law, age) for law in laws)
    if kind:
        if any(requires_opt_in(law, kind, day) for law in laws):
            # GDPR Art. 9(2) knows no contract and no interest; explicit: Art. 9(2)(a), PIPEDA Sch. 1, 4.3.6
            if is_minor and not guardian_agreed:
                return False
            if not is_minor and not (answer == "yes" and is_express):
                return False
        if limited and any(requires_opt_in(law, kind, day) or allows_opt_out(law, kind) for law in laws):
            # Cal. Civ. Code 1798.121(a), 11 CCR 7027(m)(1)-(3); Iowa 715D.4(2); Utah 13-61-302(3);
            # platform: a refusal counts everywhere
            if family not in ("necessary", "security"):
                return False
    if basis == "contract":
        return True
    if any(needs_own_consent(law, family, age) for law in laws):
        if not (answer == "yes" and given_by == "own"):
            return False
    if any(requires_consent(law, basis, family) for law in laws):
        if is_minor:
            return guardian_agreed
        return answer == "yes"
    if any(needs_guardian_for_all(law, family) and needs_guardian(law, age) for law in laws):
        return guardian_agreed
    return answer != "no"  # platform: a refusal counts, even where a law requires a notice only


def is_signal_binding(place: str, family: str, signal: str) -> bool:
    """Return whether a binding opt-out preference signal was received."""
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


def requires_consent(place: str, basis: str, family: str) -> bool:
    """Return whether the law of a place requires consent for a purpose, for data that is not sensitive."""
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
        return False  # FADP Art. 30(2)(b): until an express objection
    if place == "ca":
        if family in ("messages", "texts"):  # CASL s. 6(1), 10(1)
            return True
        if family == "sharing":  # PIPEDA Sch. 1, 4.3.5-4.3.6: express, outside what is reasonably expected
            return True
        return False  # PIPEDA Sch. 1, 4.3.6: implied, with a way out
    if place == "ca-qc":
        if family in ("messages", "texts"):  # CASL s. 6(1)
            return True
        if family in ("personalisation", "advertising"):  # P-39.1, s. 8.1: profiling is off by default
            return True
        if family == "sharing":  # P-39.1, s. 13
            return True
        # P-39.1, s. 12(5) requires no consent for de-identified statistics, s. 8.1 does while persons are
        # distinguished; platform: so consent is required. Security: s. 12(2); accuracy: s. 11.
        return family == "statistics"
    if place == "cn":
        if family == "security":  # PIPL Art. 13(3) with 51, Cybersecurity Law Art. 21
            return False
        if family == "improvement":  # PIPL Art. 8 makes it a duty, Art. 13(3) again
            return False
        return True  # PIPL Art. 13: no legitimate interest; Art. 23 for sharing
    if place == "in":
        # Binds from 13 May 2027 on; platform: from the day its rules were published. Security: DPDP Act
        # s. 17(1)(c); accuracy: s. 8(3); statistics are exempt only by the standards of s. 17(2)(b), which
        # the platform does not guarantee.
        return family not in ("security", "improvement")  # DPDP Act s. 4, 6
    if place == "jp":
        if family in ("messages", "texts"):  # Act on Specified Electronic Mail, Art. 3(1)
            return True
        return family == "sharing"  # APPI Art. 27(1), 31(1)
    return family == "texts"  # United States: TCPA, 47 U.S.C. 227; 47 CFR 64.1200(a)(2), (c)(2)


def needs_guardian(place: str, age: int | None) -> bool:
    """Return whether a guardian has to give the consent at this age."""
    if age is None:  # these laws apply if the controller knows, or should know, that the person is young
        return False
    if place == "eu":  # GDPR Art. 8(1): 16, unless a state has less; platform: 16 in each
        return age < 16
    if place == "gb":  # DPA 2018 s. 9
        return age < 13
    if place == "br":  # LGPD Art. 14(1) with ECA (Lei 8.069/1990) Art. 2
        return age < 12
    if place == "ca":  # OPC, Guidelines for obtaining meaningful consent
        return age < 13
    if place == "ca-qc":  # P-39.1, s. 4.1, 14
        return age < 14
    if place == "ch":
        # Civil Code Art. 19c: capacity of judgement, no number; platform: as in the neighbouring states
        return age < 16
    if place == "cn":  # PIPL Art. 31
        return age < 14
    if place == "in":  # DPDP Act s. 2(f), 9(1)
        return age < 18
    if place == "jp":  # PPC Guidelines (general rules) and Q&A 1-62: up to 12 to 15; platform: 15 included
        return age < 16
    if place == "za":  # POPIA s. 1 "child", 34-35
        return age < 18
    return age < 13  # COPPA, 16 CFR 312.5(a)


def needs_guardian_for_all(place: str, family: str) -> bool:
    """Return whether a guardian has to agree to a purpose for which adults only receive a notice."""
    if family in ("necessary", "security", "improvement"):  # 16 CFR 312.2 "internal operations", 312.8
        return False
    if place.startswith(
        "us-"
    ):  # 16 CFR 312.5(a): "before any collection, use, or disclosure", counting included
        return True
    if place == "ca":  # OPC: below 13 a person cannot consent for themselves, nor by silence
        return True
    return place == "ch"  # platform: without capacity of judgement, silence permits nothing either


def needs_own_consent(place: str, family: str, age: int | None) -> bool:
    """Return whether a purpose requires a minor's own consent at this age, where adults receive a notice."""
    if age is None or age < 13:
        return False
    if place == "us-ct" and family == "personalisation":
        # SB 1295 (2025): no profiling of minors without consent
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


def is_forbidden(place: str, family: str, age: int | None) -> bool:
    """Return whether no consent permits the purpose."""
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


def requires_opt_in(place: str, kind: str, day: str) -> bool:
    """Return whether a law requires express consent for a kind of data."""
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
    if place == "ca":
        # PIPEDA Sch. 1, 4.3.4; OPC Interpretation Bulletin (2022); Findings 2022-001 for whereabouts
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
        return False  # their use may be limited, see allows_opt_out
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


def allows_opt_out(place: str, kind: str) -> bool:
    """Return whether a law lets people limit the use of a kind of data, and requires no consent."""
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
        if kind == "children":  # Utah refers to COPPA, 13-61-302(3)(b)
            return place == "us-ia"
        return kind == "precise_location"
    return False


def requires_renewal(place: str) -> bool:
    """Return whether a material change of the processing requires a new consent."""
    if place == "br":  # LGPD Art. 8(6), 9(2) require a notice; consent to another purpose is void, Art. 8(4)
        return True
    # EDPB 05/2020, 110; PIPL Art. 14; PIPEDA Sch. 1, 4.2.4; P-39.1 s. 12; APPI Art. 18(1); POPIA s. 13, 15;
    # FADP Art. 6(3); DPDP Act s. 6(1); 11 CCR 7002(e); FTC Act s. 5 (Gateway Learning, 2004) for all states
    return True
