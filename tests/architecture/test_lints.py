"""Each lint passes a good sample and stops a bad one."""

from __future__ import annotations

import pytest

from tests.architecture import lints, naming
from tests.architecture.lints import Lint, Source
from tests.architecture.naming import ProjectLint

HOME = "src/discretion/plan/query_cost.py"
TEST = "tests/unit/plan/test_query_cost.py"


def long_function(lines: int) -> str:
    """Return a function of so many lines."""
    return "def f():\n" + "    pass\n" * (lines - 1)


SAMPLES: list[tuple[Lint, str, str, str, str]] = [
    (lints.check_function_length, HOME, long_function(70), HOME, long_function(71)),
    (lints.check_module_length, HOME, "pass\n" * 400, HOME, "pass\n" * 401),
    (lints.check_file_names, HOME, "", "src/discretion/plan/utils.py", ""),
    (lints.check_file_names, HOME, "", "tests/helpers/clock.py", ""),
    (
        lints.check_impurity,
        HOME,
        "import time\ntime.monotonic()\nnow_ms()\n",
        HOME,
        "import time\ntime.time()\n",
    ),
    (
        lints.check_impurity,
        "src/discretion/app/clock.py",
        "import secrets\nsecrets.token_bytes(8)\n",
        HOME,
        "import secrets\nsecrets.token_bytes(8)\n",
    ),
    (
        lints.check_impurity,
        HOME,
        "from datetime import datetime\ndatetime.fromtimestamp(0)\n",
        HOME,
        "from datetime import datetime as when\nclock = when.now\n",
    ),
    (
        lints.check_impurity,
        TEST,
        "from uuid import uuid4\nuuid4()\n",
        HOME,
        "from uuid import uuid4\nuuid4()\n",
    ),
    (lints.check_logging, HOME, "log.info('%s', who)\n", HOME, "log.info(f'{who}')\n"),
    (lints.check_logging, HOME, "math.log(a % b)\n", HOME, "self._logger.error('%s' % who)\n"),
    (lints.check_logging, HOME, "log.info('a {}', 1)\n", HOME, "logging.warning('a {}'.format(1))\n"),
    (lints.check_module_docstring, HOME, '"""What it is for."""\n', HOME, "a = 1\n"),
    (
        lints.check_docstrings,
        HOME,
        "def f():\n    '''Return the cost of a query.'''\n    def inner(): pass\ndef _private(): pass\n",
        HOME,
        "def f():\n    '''Return the cost.'''\n",
    ),
    (
        lints.check_docstrings,
        HOME,
        "class A:\n    '''A limit on the cost of queries.'''\n    def _f(self): pass\n",
        HOME,
        "class A:\n    '''A limit on the cost of queries.'''\n    def f(self): pass\n",
    ),
    (
        lints.check_test_names,
        TEST,
        "def test_a():\n    '''A sum is a number.'''\n",
        TEST,
        "def test_a():\n    pass\n",
    ),
    (
        lints.check_test_names,
        TEST,
        "async def test_a_depth_over_the_limit_is_refused(): ...\n",
        TEST,
        "class TestDepth:\n    async def test_depth_limit(self): ...\n",
    ),
    (lints.check_unfinished_work, HOME, "a = 'TO' 'DO'  # done\n", HOME, "a = 1  # TODO: two\n"),
]

PROJECT_SAMPLES: list[tuple[ProjectLint, dict[str, str], dict[str, str]]] = [
    (
        naming.check_class_names,
        {HOME: "class Cost: pass\n", TEST: "class Cost: pass\n"},
        {HOME: "class Cost: pass\n", "src/discretion/plan/plan.py": "class Cost: pass\n"},
    ),
    (
        naming.check_function_names,
        {
            "src/discretion/domain/a.py": "def build_commands(): ...\ndef _read(): ...\n",
            "src/discretion/domain/b.py": "def build_commands(): ...\ndef _read(): ...\n",
        },
        {
            "src/discretion/domain/a.py": "def read(): ...\n",
            "src/discretion/domain/b.py": "async def read(): ...\n",
        },
    ),
    (naming.check_retired_words, {HOME: "oneself = dead_letter = 'told'\n"}, {HOME: "one = 1\n"}),
    (naming.check_retired_words, {HOME: "DeadLetters = 1  # told\n"}, {HOME: "class BanishPeople: ...\n"}),
    (naming.check_test_places, {HOME: "", TEST: ""}, {TEST: ""}),
    (
        naming.check_test_places,
        {"src/discretion/seal/__init__.py": "", "tests/unit/test_seal.py": ""},
        {HOME: "", "tests/unit/test_query_cost.py": ""},
    ),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{s[0].__name__}-{n}" for n, s in enumerate(SAMPLES)])
def test_a_lint_passes_the_good_and_stops_the_bad(sample: tuple[Lint, str, str, str, str]) -> None:
    lint, good_path, good, bad_path, bad = sample
    assert not list(lint(Source(good_path, good)))
    assert len(list(lint(Source(bad_path, bad)))) == 1


@pytest.mark.parametrize(
    "sample", PROJECT_SAMPLES, ids=[f"{s[0].__name__}-{n}" for n, s in enumerate(PROJECT_SAMPLES)]
)
def test_a_project_lint_passes_the_good_and_stops_the_bad(
    sample: tuple[ProjectLint, dict[str, str], dict[str, str]],
) -> None:
    lint, good, bad = sample
    assert not list(lint([Source(path, text) for path, text in good.items()]))
    assert len(list(lint([Source(path, text) for path, text in bad.items()]))) == 1


def test_every_lint_has_a_sample() -> None:
    """A lint that is not shown a bad sample may find nothing at all."""
    assert set(lints.LINTS) == {sample[0] for sample in SAMPLES}
    assert set(naming.PROJECT_LINTS) == {sample[0] for sample in PROJECT_SAMPLES}


def test_a_finding_names_file_line_and_fault() -> None:
    (finding,) = lints.check_impurity(Source(HOME, "import os\n\nkey = os.urandom(32)\n"))
    assert str(finding) == f"{HOME}:3: os.urandom is not an argument"
