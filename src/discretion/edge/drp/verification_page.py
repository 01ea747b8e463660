"""The HTML of the page on which customers prove their identity, without a script."""

from __future__ import annotations

from html import escape

_PAGE_TEMPLATE = """<!doctype html>
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

_ADDRESS_FORM = """<form method="post">
<label for="email">The e-mail address that {agent} gave for you</label>
<input id="email" name="email" type="email" autocomplete="email" required maxlength="254">
{back}<button>Send me a code</button>
</form>"""

_CODE_FORM = """<form method="post">
<label for="code">Code</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="32">
{back}<button>It is me</button>
</form>"""


def render_page(business_name: str, content: str) -> str:
    """Return the whole page, with the name of the business at its foot."""
    # ``content`` is inserted as HTML: the functions that build it escape every value.
    return _PAGE_TEMPLATE.format(name=escape(business_name), content=content)


def render_address_form(agent_name: str, return_url: str | None) -> str:
    """Return the first step: the customer enters the address."""
    escaped_agent = escape(agent_name)
    return (
        f"<p>{escaped_agent} asks us about your data, for you. Before anything is done we make sure that it "
        "is you: we send a code to your address, and you give it here.</p>"
        f"<p>If you have not asked {escaped_agent} to do this, close this page.</p>"
        + _ADDRESS_FORM.format(agent=escaped_agent, back=_hidden_return_url(return_url))
    )


def render_code_form(agent_name: str, return_url: str | None, error_message: str = "") -> str:
    """Return the second step: the customer enters the code; with an alert if the last one was wrong."""
    alert = f'<p role="alert">{escape(error_message)}</p>' if error_message else ""
    return (
        f"{alert}<p>If that is the address which {escape(agent_name)} gave us, and we know it, a code is on "
        "its way. It is good for ten minutes.</p>" + _CODE_FORM.format(back=_hidden_return_url(return_url))
    )


def render_confirmation(agent_name: str) -> str:
    """Return the last step, for customers whose agent gave no address to return to."""
    return f"<p>Thank you. We go on with what {escape(agent_name)} asked. You can close this page.</p>"


def render_error(message: str, advice: str) -> str:
    """Return the message of an error."""
    return f'<p role="alert">{escape(message)} {escape(advice)}</p>'


def _hidden_return_url(return_url: str | None) -> str:
    return (
        ""
        if return_url is None
        else f'<input type="hidden" name="redirect_to" value="{escape(return_url)}">\n'
    )
