"""On which line something stands, in the ways in which people write TOML."""

import pytest

from functions.blocklist.adapters.toml_lines import line_in_text, line_of

TEXT = """\
extends = "strict.toml"
replies = '''
first
'''
inline = { days = [1] }

[ terms ]
  days = [
  7,
]

[[rules]]
name = "a"  # then = "no"
[[ rules ]]
name = "b"
then = "c"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (".extends", 1),
        (".replies", 2),
        (".inline.days[0]", 5),
        (".terms", 7),
        (".terms.days[1]", 8),
        (".terms.missing", 7),
        (".rules[0]", 12),
        (".rules[0].name", 13),
        (".rules[0].then", 12),
        (".rules[1].then", 16),
        (".rules[2].then", None),
        (".nowhere", None),
        ("", None),
    ],
)
def test_line_is_that_of_the_key_or_of_its_table(path: str, line: int | None) -> None:
    assert line_of(TEXT, path) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TEXT, 3),
        ('replies = """\nfirst\n"""', 2),
        ('replies = """first\n"""', 1),
        ('\nreplies = "first"', 2),
        ("", 1),
    ],
)
def test_text_begins_below_its_quotes(text: str, line: int) -> None:
    assert line_in_text(text, "replies") == line
