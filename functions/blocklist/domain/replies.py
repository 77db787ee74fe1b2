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

#: In angle brackets with anything inside, even when cut before they close; or bare.
_ADDRESS = re.compile(
    r"<[^<>]{0,320}@[^<>]{0,320}(?:>|\Z)|<[^<>\s]{1,320}\Z"
    r"|[^\s<>()\[\]\"',;:=]{0,64}@[^\s<>()\[\]\"',;:]{0,255}"
)
#: Only the host says something; paths hold words that were not meant for us.
_URL = re.compile(r"(https?://[^\s/<>\"]{0,255})[^\s<>\"]*")
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


def without_addresses(text: str) -> str:
    """Give *text* on one line and without addresses, for people to read."""
    return " ".join(_ADDRESS.sub("<address>", text[:MAX_CHARACTERS]).split())
