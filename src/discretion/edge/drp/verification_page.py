"""The page on which a person proves who they are: its words, in HTML without a script."""

from __future__ import annotations

from html import escape

_WHOLE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Is it you?</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }}
label {{ display: block; margin: 1rem 0 .25rem; }}
input {{ font: inherit; width: 100%; padding: .5rem; box-sizing: border-box; }}
button {{ font: inherit; margin-top: 1rem; padding: .5rem 1rem; }}
[role=alert] {{ border-left: .25rem solid #b3261e; padding-left: .75rem; }}
</style>
</head>
<body>
<main>
<h1>Is it you?</h1>
{content}
</main>
<footer><p>{name}</p></footer>
</body>
</html>
"""

_ADDRESS = """<form method="post">
<label for="email">The e-mail address that {agent} gave for you</label>
<input id="email" name="email" type="email" autocomplete="email" required maxlength="254">
{back}<button>Send me a code</button>
</form>"""

_CODE = """<form method="post">
<label for="code">Code</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="32">
{back}<button>It is me</button>
</form>"""


def whole(name: str, content: str) -> str:
    """The page of a business."""
    return _WHOLE.format(name=escape(name), content=content)


def asking(agent: str, back: str | None) -> str:
    """The first step: which address."""
    told = escape(agent)
    return (
        f"<p>{told} asks us about your data, for you. Before anything is done we make sure that it is you: "
        "we send a code to your address, and you give it here.</p>"
        f"<p>If you have not asked {told} to do this, close this page.</p>"
        + _ADDRESS.format(agent=told, back=_hidden(back))
    )


def sent(agent: str, back: str | None, wrong: str = "") -> str:
    """The second: the code."""
    alert = f'<p role="alert">{escape(wrong)}</p>' if wrong else ""
    return (
        f"{alert}<p>If that is the address which {escape(agent)} gave us, and we know it, a code is on its "
        "way. It is good for ten minutes.</p>" + _CODE.format(back=_hidden(back))
    )


def done(agent: str) -> str:
    """The end."""
    return f"<p>Thank you. We go on with what {escape(agent)} asked. You can close this page.</p>"


def failed(message: str, advice: str) -> str:
    """What went wrong."""
    return f'<p role="alert">{escape(message)} {escape(advice)}</p>'


def _hidden(back: str | None) -> str:
    return "" if back is None else f'<input type="hidden" name="redirect_to" value="{escape(back)}">\n'
