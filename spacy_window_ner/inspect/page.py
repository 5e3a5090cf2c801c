"""Self-contained HTML pages, rendered from Jinja2 templates and plain data.

All inserted text is escaped, and the Content-Security-Policy of a page only allows its own script,
by its hash.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

NOTHING = "'none'"
HERE = "spacy_window_ner.inspect"
# The classes `label0` … of the style, one for each color.
N_COLORS = 12


@cache
def environment(package: str = HERE) -> Environment:
    """Load the templates of a package. Inserted text is escaped.

    package (str): A package with a folder `templates`. Its templates can extend those of `inspect`.
    RETURNS (Environment): The templates.
    """
    loaded = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in dict.fromkeys([package, HERE])]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    loaded.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    loaded.filters["percent"] = percent
    loaded.filters["number"] = "{:,}".format
    return loaded


def percent(share: float) -> str:
    """RETURNS (str): A share in percent, with one decimal."""
    return f"{100 * share:.1f}"


def colors_of(labels: Iterable[str]) -> dict[str, int]:
    """RETURNS (Dict[str, int]): The color index of each label; colors repeat after `N_COLORS`."""
    return {label: number % N_COLORS for number, label in enumerate(labels)}


def render(
    template: str,
    script: str | None = None,
    *,
    connect: str = NOTHING,
    package: str = HERE,
    styles: Sequence[str] = (),
    **facts: Any,
) -> str:
    """Render a page.

    template (str): The name of the template; it extends `base.html`.
    script (Optional[str]): The name of the template of its script, into which nothing is inserted;
        None if it has none.
    connect (str): The sources that the script may connect to, as in a Content-Security-Policy.
    package (str): The package that contains the templates; see `environment`.
    styles (Sequence[str]): The names of style sheets to add to `base.css`.
    facts (Any): The variables of the template.
    RETURNS (str): The page.
    """
    templates = environment(package)
    style = "\n".join(templates.get_template(name).render() for name in ("base.css", *styles))
    code = "" if script is None else templates.get_template(script).render()
    policy = (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; connect-src {connect}; "
        f"style-src {_hash(style)}; script-src {_hash(code) if code else NOTHING}"
    )
    return templates.get_template(template).render(
        policy=policy,
        # These two are files of the package, and hold nothing that is inserted.
        style=Markup(style),
        script=Markup(code),
        **facts,
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
