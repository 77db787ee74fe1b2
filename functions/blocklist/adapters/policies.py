"""
Policies as TOML: read, checked, and laid over one another.

The form is told in docs/policy.md. A mistake says the file, the line, and what to write instead.
"""

import re
import tomllib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec

from functions.blocklist.adapters.rules import load_classifier
from functions.blocklist.domain.addresses import normalise
from functions.blocklist.domain.events import EventKind
from functions.blocklist.domain.policy import Action, Policy, PolicyRule, Protected
from functions.blocklist.domain.reasons import Reason
from functions.blocklist.domain.terms import Strikes, Terms

POLICIES = Path(__file__).parents[1] / "policies"

#: An event that a rule can ask for: the others never reach the policy.
_PolicyEvent = Literal[
    "hard_bounce", "soft_bounce", "unclear_bounce", "complaint", "unsubscribe", "dropped"
]
_Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=36_500)]
_Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_T = TypeVar("_T")
_OneOrMore: TypeAlias = _T | list[_T]


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    name: _Name
    event: _OneOrMore[_PolicyEvent]
    then: Action
    days: _Positive | None = None
    reason: _OneOrMore[Reason] = []
    lasting: bool | None = None
    reply: Literal["silent", "any"] = "any"
    from_: _OneOrMore[str] = msgspec.field(name="from", default=[])
    from_domain: _OneOrMore[str] = []
    template_id: _OneOrMore[int | str] = []


class _Protect(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    addresses: list[str] = []
    domains: list[str] = []


class _Terms(msgspec.Struct, forbid_unknown_fields=True):
    days: Annotated[list[_Positive], msgspec.Meta(min_length=1)]


class _Strikes(msgspec.Struct, forbid_unknown_fields=True):
    mails: _Positive
    days: _Positive
    window_days: _Positive


class _File(msgspec.Struct, forbid_unknown_fields=True):
    extends: str | None = None
    terms: _Terms | None = None
    strikes: _Strikes | None = None
    protect: _Protect = _Protect()
    replies: str = ""
    rules: list[_Rule] = []


class PolicyError(ValueError):
    """A policy that cannot be used; the text names file and line."""


def load_policy(name: str, *, folder: Path = POLICIES) -> Policy:
    """
    Read the policy *name*, a file in *folder*, with what it extends.

    Raises:
        PolicyError: it is not there, or cannot be used.
    """
    layers = list(_layers(name, folder))
    terms = next((layer.file.terms for layer in layers if layer.file.terms), None)
    strikes = next((layer.file.strikes for layer in layers if layer.file.strikes), None)
    if not terms or not strikes:
        missing = "[strikes]" if terms else "[terms]"
        raise PolicyError(f"{name} has no {missing}; write it, or extends = 'strict.toml'")
    return Policy(
        version=f"{name.removesuffix('.toml')}@{_digest(layers)}",
        rules=_overlaid(layers),
        terms=Terms(tuple(terms.days), Strikes(strikes.mails, strikes.days, strikes.window_days)),
        classify=load_classifier(
            "\n".join(layer.file.replies for layer in layers), origin=f"replies of {name}"
        ).classify,
        protected=Protected(
            frozenset().union(*(layer.addresses() for layer in layers)),
            frozenset().union(*(layer.domains() for layer in layers)),
        ),
    )


class _Layer:
    """One file of a policy: its text, and what it says."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        try:
            self.file = msgspec.convert(tomllib.loads(text), _File)
        except tomllib.TOMLDecodeError as error:  # names the line by itself
            raise PolicyError(f"{name}: {error}") from None
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at `$")
            unknown = re.search(r"unknown field `(\w+)`", message)
            path = path.rstrip("`") + (f".{unknown[1]}" if unknown else "")
            raise self.error(path, message) from None
        self._check()

    def error(self, path: str, problem: str) -> PolicyError:
        """Say what is wrong with the value at *path*, such as `.rules[2].then`, and where."""
        line = _line_of(self.text, path)
        where = f"line {line}, {path[1:]}" if line else path[1:] or "the file"
        return PolicyError(f"{self.name}, {where}: {problem}")

    def rules(self) -> Sequence[PolicyRule]:
        """Give the rules in the domain's words."""
        return [
            PolicyRule(
                name=rule.name,
                action=rule.then,
                events=frozenset(EventKind(event) for event in _several(rule.event)),
                days=rule.days or 0,
                reasons=frozenset(_several(rule.reason)),
                lasting=rule.lasting,
                silent=True if rule.reply == "silent" else None,
                senders=_lower(rule.from_),
                from_domains=_lower(rule.from_domain),
                template_ids=frozenset(str(template) for template in _several(rule.template_id)),
            )
            for rule in self.file.rules
        ]

    def addresses(self) -> frozenset[str]:
        """Give the protected addresses in their normal form and in lower case."""
        found = set()
        for position, address in enumerate(self.file.protect.addresses):
            normalised = normalise(address)
            if not normalised:
                raise self.error(f".protect.addresses[{position}]", f"{address!r} is no address")
            found.add(normalised.lower())
        return frozenset(found)

    def domains(self) -> frozenset[str]:
        """Give the protected domains in their normal form."""
        found = set()
        for position, domain in enumerate(self.file.protect.domains):
            normalised = normalise(f"anybody@{domain}")
            if not normalised:
                raise self.error(f".protect.domains[{position}]", f"{domain!r} is no domain")
            found.add(normalised.partition("@")[2])
        return frozenset(found)

    def _check(self) -> None:
        """Refuse what is well written and makes no sense."""
        if self.file.terms and sorted(set(self.file.terms.days)) != self.file.terms.days:
            raise self.error(".terms.days", "each term must be longer than the one before")
        strikes = self.file.strikes
        if strikes and not strikes.days <= min(strikes.mails, strikes.window_days):
            raise self.error(
                ".strikes.days", "cannot be more than mails, nor more than window_days"
            )
        names: set[str] = set()
        for position, rule in enumerate(self.file.rules):
            path = f".rules[{position}]"
            if rule.name in names:
                raise self.error(f"{path}.name", f"{rule.name!r} stands there twice")
            names.add(rule.name)
            if (rule.then is Action.BLOCK_UNTIL) != (rule.days is not None):
                raise self.error(f"{path}.then", "days go with block_until, and it with days")
            asks_reply = rule.reason or rule.lasting is not None or rule.reply != "any"
            silent = [event for event in _several(rule.event) if not event.endswith("_bounce")]
            if asks_reply and silent:
                raise self.error(
                    f"{path}.event",
                    f"{silent[0]} has no reply, so reason, lasting and reply cannot be asked for",
                )


def _layers(name: str, folder: Path) -> Sequence[_Layer]:
    """Give the file *name*, then what it extends, and so on."""
    layers: list[_Layer] = []
    wanted: str | None = name
    while wanted:
        if any(layer.name == wanted for layer in layers):
            raise PolicyError(f"{layers[-1].name}: extends {wanted!r}, which extends it")
        try:
            text = (folder / wanted).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            there = ", ".join(sorted(path.name for path in folder.glob("*.toml")))
            raise PolicyError(
                f"there is no policy {wanted!r} that can be read; there are {there}"
            ) from None
        layers.append(_Layer(wanted, text))
        wanted = layers[-1].file.extends
    return layers


def _overlaid(layers: Sequence[_Layer]) -> Sequence[PolicyRule]:
    """Put a file's own rules first, and in place of those of the same name that it extends."""
    rules: dict[str, PolicyRule] = {}
    for layer in layers:
        for rule in layer.rules():
            rules.setdefault(rule.name, rule)
    return tuple(rules.values())


def _digest(layers: Sequence[_Layer]) -> str:
    return sha256("\0".join(layer.text for layer in layers).encode()).hexdigest()[:8]


def _several(value: Any) -> Sequence[Any]:  # noqa: ANN401 - one of anything, or a list of them
    return value if isinstance(value, list) else [value]


def _lower(value: _OneOrMore[str]) -> frozenset[str]:
    return frozenset(text.strip().lower() for text in _several(value))


def _line_of(text: str, path: str) -> int | None:
    """
    Find the line of a *path* such as `.rules[2].then`; of its table where the key is not there.

    `tomllib` tells no lines of what it could read.
    """
    found = re.match(r"\.(\w+)(?:\[(\d+)\])?(?:\.(\w+))?", path)
    if not found:
        return None
    table, number, key = found[1], int(found[2] or 0), found[3]
    lines = text.split("\n")
    header = re.compile(rf"\s*\[+\s*{table}\s*\]+")
    starts = [index for index, line in enumerate(lines) if header.match(line)]
    if len(starts) <= number:
        return _line_with(lines, table, 0)
    start = starts[number]
    return _line_with(lines, key, start + 1) or start + 1


def _line_with(lines: Sequence[str], key: str | None, start: int) -> int | None:
    """Find the line from *start* on, up to the next table, that sets *key*."""
    for index, line in enumerate(lines[start:], start=start + 1):
        if line.lstrip().startswith("["):
            return None
        if key and re.match(rf"\s*{key}\s*=", line):
            return index
    return None
