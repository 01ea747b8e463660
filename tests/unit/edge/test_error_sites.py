"""Places that make errors are found in the source code, however the code and the message are passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.edge.error_sites import find_error_sites, find_statuses, read_modules

ERRORS = """
class Base(Exception):
    status: ClassVar[int] = 500
    def __init__(self, code: str, message: str, advice: str = "") -> None: ...
class BadRequest(Base):
    status = 400
class TooLong(BadRequest): ...
"""

SAMPLES = {
    "a literal": ('raise BadRequest("A_CODE", "It is wrong.", "Mend it.")', "It is wrong.", "Mend it."),
    "a template": (
        'raise TooLong("A_CODE", f"At most {LIMIT} of {self._names[0]!r}.")',
        "At most 1,000 of <names>.",
        "",
    ),
    "a keyword": ('raise BadRequest(message="It is wrong.", code="A_CODE")', "It is wrong.", ""),
    "a choice": ('raise BadRequest("A_CODE" if is_short else "A_CODE", "It is wrong.")', "It is wrong.", ""),
    "a constant": ('WRONG = "A_CODE"\nraise BadRequest(WRONG, "It is wrong.")', "It is wrong.", ""),
    "an argument alone": ('raise BadRequest("A_CODE", message)', "", ""),
    "a function that builds it": (
        (
            'def refuse(code, reason):\n    return BadRequest(code, f"Refused: {reason}.", "Ask again.")\n'
            'refuse("A_CODE", "it is late")'
        ),
        "Refused: it is late.",
        "Ask again.",
    ),
    "a class with one code": (
        'class Gone(BadRequest):\n    def __init__(self):\n        super().__init__("A_CODE", "It is gone.")',
        "It is gone.",
        "",
    ),
    "a loop over rows": (
        "def check():\n    for limit, code in ((1, 'A_CODE'),):\n        return BadRequest(code, 'Many.')",
        "Many.",
        "",
    ),
}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())
def test_a_place_that_makes_an_error_is_found(sample: tuple[str, str, str], tmp_path: Path) -> None:
    text, message, advice = sample
    (tmp_path / "errors.py").write_text(ERRORS)
    (tmp_path / "sample.py").write_text(f"LIMIT = 1000\n{text}\n")
    sites = [site for site in find_error_sites(read_modules(tmp_path)) if site.path == "sample.py"]
    assert {(site.code, site.message, site.advice) for site in sites} == {("A_CODE", message, advice)}


def test_a_code_in_another_call_is_no_error_site(tmp_path: Path) -> None:
    (tmp_path / "errors.py").write_text(ERRORS)
    (tmp_path / "sample.py").write_text(
        "settings.get('A_CODE', 'It is wrong.')\nBadRequest(code, 'No literal.')\n"
    )
    assert not find_error_sites(read_modules(tmp_path))


def test_a_status_is_inherited(tmp_path: Path) -> None:
    (tmp_path / "errors.py").write_text(ERRORS)
    assert find_statuses(read_modules(tmp_path)) == {"Base": 500, "BadRequest": 400, "TooLong": 400}
