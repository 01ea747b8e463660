"""Each lint passes a good sample and stops a bad one."""

from __future__ import annotations

import pytest

from tests.architecture import lints
from tests.architecture.lints import Lint, Source

HOME = "src/discretion/plan/query_cost.py"
TEST = "tests/unit/plan/test_query_cost.py"


def long_function(lines: int) -> str:
    """A function of so many lines."""
    return "def f():\n" + "    pass\n" * (lines - 1)


SAMPLES: list[tuple[Lint, str, str, str, str]] = [
    (lints.short_functions, HOME, long_function(70), HOME, long_function(71)),
    (lints.short_modules, HOME, "pass\n" * 400, HOME, "pass\n" * 401),
    (lints.telling_names, HOME, "", "src/discretion/plan/utils.py", ""),
    (lints.telling_names, HOME, "", "tests/helpers/clock.py", ""),
    (
        lints.handed_in,
        HOME,
        "import time\ntime.monotonic()\nnow_ms()\n",
        HOME,
        "import time\ntime.time()\n",
    ),
    (
        lints.handed_in,
        "src/discretion/app/clock.py",
        "import secrets\nsecrets.token_bytes(8)\n",
        HOME,
        "import secrets\nsecrets.token_bytes(8)\n",
    ),
    (
        lints.handed_in,
        HOME,
        "from datetime import datetime\ndatetime.fromtimestamp(0)\n",
        HOME,
        "from datetime import datetime as when\nclock = when.now\n",
    ),
    (lints.handed_in, TEST, "from uuid import uuid4\nuuid4()\n", HOME, "from uuid import uuid4\nuuid4()\n"),
    (lints.lazy_logging, HOME, "log.info('%s', who)\n", HOME, "log.info(f'{who}')\n"),
    (lints.lazy_logging, HOME, "math.log(a % b)\n", HOME, "self._logger.error('%s' % who)\n"),
    (lints.lazy_logging, HOME, "log.info('a {}', 1)\n", HOME, "logging.warning('a {}'.format(1))\n"),
    (lints.described_modules, HOME, '"""What it is for."""\n', HOME, "a = 1\n"),
    (
        lints.stated_laws,
        TEST,
        "def test_a():\n    '''One is one.'''\n",
        TEST,
        "def test_a():\n    pass\n",
    ),
    (
        lints.stated_laws,
        TEST,
        "async def test_a_depth_over_the_limit_is_refused(): ...\n",
        TEST,
        "class TestDepth:\n    async def test_depth_limit(self): ...\n",
    ),
    (lints.no_promises, HOME, "a = 'TO' 'DO'  # done\n", HOME, "a = 1  # TODO: two\n"),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{s[0].__name__}-{n}" for n, s in enumerate(SAMPLES)])
def test_a_lint_passes_the_good_and_stops_the_bad(sample: tuple[Lint, str, str, str, str]) -> None:
    lint, good_path, good, bad_path, bad = sample
    assert not list(lint(Source(good_path, good)))
    assert len(list(lint(Source(bad_path, bad)))) == 1


def test_every_lint_has_a_sample() -> None:
    """A lint that is not shown a bad sample may be asleep."""
    assert set(lints.LINTS) == {sample[0] for sample in SAMPLES}


def test_a_finding_names_file_line_and_fault() -> None:
    (finding,) = lints.handed_in(Source(HOME, "import os\n\nkey = os.urandom(32)\n"))
    assert str(finding) == f"{HOME}:3: os.urandom is not handed in"
