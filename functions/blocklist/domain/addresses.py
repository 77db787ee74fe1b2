"""
When two addresses are the same, and which can be blocked at all.

Tencent counts what it takes for invalid without naming it, and finding it costs requests. So what
cannot be an address is kept back here. Its own rule is undocumented; ours is RFC 5321's lengths,
RFC 5322's local part (with the stray dots that some Japanese carriers allow) and a domain name with
a dot. email-validator would know more and cost eight times the decoding of the whole event.
"""

import re

#: RFC 5321, 4.5.3.1: octets there, characters here.
MAX_ADDRESS_CHARACTERS = 254
MAX_LOCAL_PART_CHARACTERS = 64
#: Stands for a character that was lost on the way.
_LOST = "\ufffd"

_LABEL = r"[a-z0-9_][a-z0-9_-]{0,62}(?<!-)"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
#: Beyond ASCII every printable letter may stand in a local part (RFC 6531).
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\U0010ffff-]+")
#: What nearly every address is made of: nothing in it is to be changed.
_is_usual = re.compile(rf"[a-zA-Z0-9_.+-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+").fullmatch
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def normalise(address: str) -> str | None:
    """
    Give the form in which equal addresses are equal, or None when *address* cannot be one.

    Trimmed; the domain in lower case and punycode; the local part as reported, since only the
    recipient's provider knows whether its letter case matters.
    """
    if len(address) <= MAX_ADDRESS_CHARACTERS and _is_usual(address):
        return address
    local_part, _, domain = address.strip().rpartition("@")
    ascii_domain = _ascii_domain(domain)
    if not ascii_domain or not _is_local_part(local_part):
        return None
    normalised = f"{local_part}@{ascii_domain}"
    return normalised if len(normalised) <= MAX_ADDRESS_CHARACTERS else None


def _ascii_domain(domain: str) -> str | None:
    if not domain.isascii():
        domain = _punycode(domain)
    domain = domain.lower()
    return domain if _DOMAIN.fullmatch(domain) else None


def _punycode(domain: str) -> str:
    import idna  # noqa: PLC0415 - rarely needed, and its tables cost every cold start

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""


def _is_local_part(text: str) -> bool:
    return (
        0 < len(text) <= MAX_LOCAL_PART_CHARACTERS
        and text.isprintable()
        and _LOST not in text
        and bool(_DOT_ATOM.fullmatch(text) or _QUOTED.fullmatch(text))
    )
