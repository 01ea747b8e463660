"""The sequences of statements that the permission matrix tries, each with its answer."""

from __future__ import annotations

STATEMENTS: dict[str, tuple[str, str, bool, bool, str]] = {
    # statements, oldest first: (answer of an adult, who gave the consent, whether it is express,
    #                            a guardian's consent that nobody refuses, answer without the consent)
    "nothing": ("nothing", "", False, False, "nothing"),
    "yes": ("yes", "own", True, False, "nothing"),
    "no": ("no", "", False, False, "no"),
    "no, then yes": ("yes", "own", True, False, "nothing"),
    "yes, then no": ("no", "", False, False, "no"),
    "yes and no at once": (
        "no",
        "",
        False,
        False,
        "no",
    ),  # platform: of two simultaneous statements the refusal counts
    # platform: an expired consent has no effect
    "yes lapsed": ("nothing", "", False, False, "nothing"),
    "no, then yes lapsed": (
        "nothing",
        "",
        False,
        False,
        "nothing",
    ),  # the consent withdrew the refusal nevertheless
    "guardian yes lapsed": ("nothing", "", False, False, "nothing"),
    "stamp yes lapsed": ("nothing", "", False, False, "nothing"),
    # platform: an ambient statement ("stamp") counts until the person's own; an ambient refusal always counts
    "stamp yes": ("yes", "own", False, False, "nothing"),
    "stamp no": ("no", "", False, False, "no"),
    "stamp no, then stamp yes": ("yes", "own", False, False, "no"),
    "stamp yes, then stamp no": ("no", "", False, False, "no"),
    "stamp yes here, stamp no there": ("no", "", False, False, "no"),
    "stamp no there, stamp yes here": ("no", "", False, False, "no"),
    "no, then stamp yes": ("no", "", False, False, "no"),
    "yes, then stamp no": ("no", "", False, False, "no"),
    "stamp no, then yes": ("yes", "own", True, False, "no"),
    "yes, then stamp no, then stamp yes": ("yes", "own", False, False, "no"),
    # platform: what a person states themselves ("self") nobody else lifts; a later refusal always counts
    "self yes": ("yes", "own", True, False, "nothing"),
    "self no, then yes": ("no", "", False, False, "no"),
    "self no, then stamp yes": ("no", "", False, False, "no"),
    "self no, then self yes": ("yes", "own", True, False, "nothing"),
    "no, then self yes": ("yes", "own", True, False, "no"),
    "self yes, then no": ("no", "", False, False, "no"),
    "self yes, then stamp no": ("no", "", False, False, "no"),
    "yes, then self yes lapsed": ("nothing", "", False, False, "nothing"),
    "self yes lapsed, then yes": ("yes", "own", True, False, "nothing"),
    "self no, then guardian yes": ("no", "", False, False, "no"),
    "self no, then self guardian yes": ("no", "", False, False, "no"),
    # platform: a consent covers the record it was given in; under a login, or by the person themselves, all
    "yes there": ("nothing", "", False, False, "nothing"),
    "stamp yes there": ("nothing", "", False, False, "nothing"),
    "guardian yes there": ("nothing", "", False, False, "nothing"),
    "yes here, yes there": ("yes", "own", True, False, "nothing"),
    "stamp yes here, yes there": ("yes", "own", False, False, "nothing"),
    "yes here, guardian yes there": ("yes", "", True, False, "nothing"),
    "guardian yes here, guardian yes there": ("yes", "guardian", True, True, "nothing"),
    "login yes there": ("yes", "own", True, False, "nothing"),
    "login stamp yes there": ("yes", "own", False, False, "nothing"),
    "login guardian yes there": ("yes", "guardian", True, True, "nothing"),
    "self yes there": ("yes", "own", True, False, "nothing"),
    "login yes there, no here": ("no", "", False, False, "no"),
    "no there": ("no", "", False, False, "no"),
    # GDPR Art. 8(1): the holder of parental responsibility gives or authorises; EDPB 05/2020, 148-149: a
    # parent's consent stays valid after the age is reached, until the person withdraws it
    "guardian yes": ("yes", "guardian", True, True, "nothing"),
    "guardian yes, then no": ("no", "", False, False, "no"),
    "guardian yes, then guardian no": ("no", "", False, False, "no"),
    # platform: nobody overrides a refusal of the person: how old they are may become known only afterwards
    "no, then guardian yes": ("no", "", False, False, "no"),
    "yes, then guardian yes": ("yes", "own", True, True, "nothing"),
    "guardian yes, then yes": ("yes", "own", True, True, "nothing"),
    "guardian no, then yes": ("yes", "own", True, False, "no"),
    # purposes are a tree: a statement about a node applies to its descendants
    "parent yes": ("yes", "own", True, False, "nothing"),
    "parent no": ("no", "", False, False, "no"),
    "parent no, then yes": ("yes", "own", True, False, "no"),
    "parent yes, then no": ("no", "", False, False, "no"),
    "yes, then parent no": ("no", "", False, False, "no"),
    "no, then parent yes": ("yes", "own", True, False, "no"),
}
