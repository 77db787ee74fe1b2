"""Rules of the classifier, as people read them; programs get them whole."""

import re

#: Of the words that a rule takes for the same, so many are shown.
SHOWN_WORDS = 2
MAX_CHARACTERS = 60
_WORDS = re.compile(r"\(([^()]+)\)")


def shown_rule(rule: str) -> str:
    """
    Give *rule* short enough for a line.

    Its section and its place in it stay to be seen: `any: {who} {is} (unknown/not known/...)`
    becomes `any: who is unknown/not known/...`.
    """
    text = _WORDS.sub(lambda found: _shortened(found[1]), rule)
    text = text.replace("{", "").replace("}", "")
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 3].rstrip() + "..."


def _shortened(words: str) -> str:
    first = words.split("/")
    return "/".join(first[:SHOWN_WORDS] + ["..."] * (len(first) > SHOWN_WORDS))
