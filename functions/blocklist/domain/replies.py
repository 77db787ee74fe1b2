"""
A mail server's reply, reduced to what can be compared: its codes and its letters.

Tencent hands on the first 128 characters, with line breaks in them and the code repeated after
each. So whatever is neither a letter nor an address is noise: `over-quota`, `over quota`, and the
same with a line break and `5.2.2` in between are one wording. Accents and letter case go as well.
"""

import re
import unicodedata
from dataclasses import dataclass, field

#: Eight times what Tencent hands on. Bounds the work for a callback that holds a novel.
MAX_CHARACTERS = 1024
#: Stands for an address in a wording: a letter that no language of replies uses.
ADDRESS = "ʘ"
#: So much of a reply is kept for people to read.
KEPT_CHARACTERS = 200
#: Stands for what was left out of it.
LEFT_OUT = "\u2026"

#: In angle brackets with anything inside, even when cut before they close; or bare.
_ADDRESS = re.compile(
    r"<[^<>]{0,320}@[^<>]{0,320}(?:>|\Z)|<[^<>\s]{1,320}\Z"
    r"|[^\s<>()\[\]\"',;:=]{0,64}@[^\s<>()\[\]\"',;:]{0,255}"
)
#: Only the host says something; paths hold words that were not meant for us.
_URL = re.compile(r"(https?://[^\s/<>\"]{0,255})[^\s<>\"]*")
#: What may stand around an at sign in an address, in every form that Unicode has of it.
_AT = "@\uff20\ufe6b"
_ANY_ADDRESS = re.compile(
    rf"<[^<>]{{0,320}}[{_AT}][^<>]{{0,320}}(?:>|\Z)|<[^<>\s]{{1,320}}\Z"
    rf"|\"[^\"]{{0,64}}\"[{_AT}]\S*|[^\s{_AT}]*[{_AT}]\S*"
)
#: Neither a control character nor half of a surrogate pair belongs into a text.
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NO_LETTERS = re.compile(r"[\W\d_]+")
_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_CODE = re.compile(r"(?<![\w.])[45]\d\d(?![\w.])")


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What a reply says.

    *wording* holds lower-case letters only, and `ADDRESS` for an address. *enhanced* (`5.1.1`) and
    *code* (`550`) are the first in the text, or empty.
    """

    wording: str = field(repr=False)
    enhanced: str
    code: str
    is_temporary: bool

    @property
    def has_words(self) -> bool:
        """Tell whether anything is said beside addresses and codes."""
        return bool(self.wording.strip(ADDRESS))


def read_reply(text: str) -> Reply:
    """Take *text* apart. Says temporary when any code in it does: 4xx first, or 4.x.x anywhere."""
    text = text[:MAX_CHARACTERS]
    enhanced = _ENHANCED.findall(text)
    code = _CODE.search(text)
    first_code = code[0] if code else ""
    is_temporary = first_code.startswith("4") or any(found[0] == "4" for found in enhanced)
    return Reply(wording(text), enhanced[0] if enhanced else "", first_code, is_temporary)


def wording(text: str) -> str:
    """Give the letters of *text*: what addresses, digits, spaces and line breaks leave over."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.replace("\u2019", "'"))
    text = text.casefold()
    if "://" in text:
        text = _URL.sub(r"\1 ", text)
    if "@" in text or "<" in text:
        text = _ADDRESS.sub(ADDRESS, text)
    return _NO_LETTERS.sub("", text.replace("n't", "not"))


def redact(text: str, recipient: str) -> str:
    """
    Give the beginning of *text*, on one line, without any address.

    Nor does it hold the local part of *recipient*, which many servers name alone, and which may be
    broken in two where Tencent put a line break or cut the reply off. Links keep their host only.
    """
    text = _NO_TEXT.sub(" ", text[:MAX_CHARACTERS])
    text = _without(_URL.sub(r"\1", text), recipient.rpartition("@")[0])
    return " ".join(_ANY_ADDRESS.sub(LEFT_OUT, text).split())[:KEPT_CHARACTERS].rstrip()


def _without(text: str, word: str) -> str:
    """Leave *word* out where it stands for itself, whatever spaces it was broken by."""
    word = "".join(_lower(letter) for letter in word if not letter.isspace())
    if not word:
        return text
    places = [place for place, character in enumerate(text) if not character.isspace()]
    squeezed = "".join(_lower(text[place]) for place in places)
    kept, start = "", 0
    found = squeezed.find(word)
    while found >= 0:
        first, last = places[found], places[found + len(word) - 1]
        if _stands_alone(text, first, last):
            kept += text[start:first] + LEFT_OUT
            start = last + 1
            found = squeezed.find(word, found + len(word))
        else:
            found = squeezed.find(word, found + 1)
    return kept + _without_cut(text[start:], word)


def _without_cut(text: str, word: str) -> str:
    """Leave the last word out where *word* begins with it: the rest of it was cut off."""
    head, space, last = text.rstrip().rpartition(" ")
    tail = "".join(map(_lower, last.lstrip("<('\"[:")))
    return f"{head}{space}{LEFT_OUT}" if len(tail) > 1 and word.startswith(tail) else text


def _stands_alone(text: str, first: int, last: int) -> bool:
    before, after = text[:first][-1:], text[last + 1 :][:1]
    return not before.isalnum() and not after.isalnum()


def _lower(character: str) -> str:
    """Give one character for one."""
    lower = character.lower()
    return lower if len(lower) == 1 else character
