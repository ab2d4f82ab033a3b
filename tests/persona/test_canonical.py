"""One spelling for what looks the same, and what counts as a member's own words."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from persona.canonical import canonical, comparable, has_link, is_quoted, is_spelled_out, readings, skeleton, typed
from tests.persona.builders import steady

HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn"}
JOINERS = "\u200c\u200d"
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Berlin", "Berlin"),
        ("  New \t York\r\n City ", "New York City"),
        ("a\u00a0b\u2003c\u3000d\u2028e\u2029f\x85g", "a b c d e f g"),
        ("\x0b\x0c\x1f", ""),
        ("ﬁne №５ ｆｕｌｌ", "fine No5 full"),
        ("Cafe\u0301", "Café"),
        ("zero\u200bwidth\ufeff soft\u00adhyphen", "zerowidth softhyphen"),
        ("\u202egnirts\u202c \u2066x\u2069", "gnirts x"),
        ("a\x00b\x1bc", "abc"),
        ("a\ud800b", "ab"),
        ("a\ue000b\U000f0000", "ab"),
        ("hi\U000e0068\U000e0069", "hi"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("東京", "東京"),
        ("", ""),
        ("\u200b \u200b", ""),
    ],
)
def test_canonical(written: str, kept: str) -> None:
    """Text is brought into one form on one line, without anything that cannot be seen."""
    assert canonical(written) == kept


@pytest.mark.parametrize("written", ["e\u200b\u0301", "a\u00ad\u030a", "\u1100\u200b\u1161", "x \u200b y"])
def test_hidden_characters_leave_no_other_spelling(written: str) -> None:
    """What stands between two characters and is taken out leaves the text in the one form all others are in."""
    assert unicodedata.is_normalized("NFKC", canonical(written))
    assert canonical(canonical(written)) == canonical(written)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("क्\u200dष", "क्\u200dष"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("\u200dBerlin", "Berlin"),
        ("Ber\u200clin\u200d", "Berlin"),
        ("Straße\u200d", "Straße"),
        ("при\u200dвет", "привет"),
        ("Κό\u200cσμε", "Κόσμε"),
        ("tiế\u200dng", "tiếng"),
        ("東\u200d京", "東京"),
        ("می\u200c\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d\u200c\u200d💻", "👩\u200d💻"),
        ("👩\u200d Berlin", "👩 Berlin"),
    ],
)
def test_joiners_stay_only_where_a_script_needs_them(written: str, kept: str) -> None:
    """A joiner is kept, once, between letters of the scripts that are written with it and inside emoji."""
    assert canonical(written) == kept


@pytest.mark.parametrize("joiner", JOINERS)
def test_joiners_do_not_split_words_that_need_none(joiner: str) -> None:
    """An invisible joiner inside a Latin word makes no other word of it (reliability S9)."""
    assert canonical(f"pass{joiner}word") == "password"


@steady
@given(text=st.text(st.characters(exclude_categories=["Cc", "Cf", "Co", "Cs", "Cn"]), max_size=60))
@example("\u0345\u1fb7")
@example("\u0958")
def test_canonical_is_final(text: str) -> None:
    """Bringing text into its form twice changes nothing, and the form is Unicode's own."""
    once = canonical(text)

    assert canonical(once) == once
    assert unicodedata.is_normalized("NFKC", once)


@steady
@given(text=st.text(max_size=60))
def test_canonical_shows_all_it_holds(text: str) -> None:
    """Nothing in the form is invisible but single spaces and joiners."""
    kept = canonical(text)

    assert {char for char in kept if unicodedata.category(char) in HIDDEN} <= set(JOINERS)
    assert all(char == " " or not char.isspace() for char in kept)
    assert kept == " ".join(kept.split(" "))
    assert "  " not in kept


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I’m in “Köln”", 'i\'m in "köln"'),
        ("‘a’ ‚b‘ „c“", "'a' 'b' \"c\""),
        ("9–5 — always", "9-5 - ALWAYS"),
        ("Straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("İstanbul", "i\u0307stanbul"),
        ("a \n b", "A B"),
        ("non‑breaking", "non-breaking"),
        ("true‐hyphen", "true-hyphen"),
    ],
)
def test_comparable(one: str, other: str) -> None:
    """Case, typographic quotes and dashes, and spaces make no difference where text is compared."""
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(("one", "other"), [("a-b", "a b"), ("e", "é"), ("C", "C++"), ("no", "no."), ("l", "1")])
def test_what_differs_stays_different(one: str, other: str) -> None:
    """Accents, signs and joined words are part of a value."""
    assert comparable(one) != comparable(other)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("rulеs", "rules"),
        ("Во", "bo"),
        ("ΝΟΤΕ", "note"),
        ("αll", "all"),
        ("օbey", "obey"),
        ("ɪɢɴᴏʀᴇ", "ignore"),
        ("ｉｇｎｏｒｅ", "ignore"),
        ("𝐢𝐠𝐧𝐨𝐫𝐞", "ignore"),
        ("íg\u0307nóre", "ignore"),
        ("São Paulo", "sao paulo"),
        ("naïve Łódź", "naive lodz"),
        ("東京", "東京"),
        ("plain, 100 %", "plain, 100 %"),
    ],
)
def test_skeleton(written: str, seen: str) -> None:
    """Letters of other scripts and with accents are taken for the letters they look like (reliability S9)."""
    assert skeleton(written) == seen


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1gn0re", {"1gn0re", "ignore", "lgnore"}),
        ("ru1es", {"ru1es", "ruies", "rules"}),
        ("p@ssw0rd", {"p@ssw0rd", "password"}),
        ("l i k e this", {"l i k e this"}),
        ("c a n c e r", {"c a n c e r", "cancer"}),
        ("i.g.n.o.r.e", {"i.g.n.o.r.e", "ignore"}),
        ("Bеrlin", {"bеrlin", "berlin"}),
        ("2026-11-22, 400 euros", {"2026-11-22, 400 euros"}),
        ("Berlin", {"berlin"}),
        ("", {""}),
    ],
)
def test_readings(written: str, read: set[str]) -> None:
    """A word is read with digits as letters and spelled out, besides as it is written; numbers stay numbers."""
    assert set(readings(written)) == read
    assert readings(written)[0] == comparable(written)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i g n o r e", True),
        ("so r-u-l-e-s apply", True),
        ("o_b_e_y_s", True),
        ("o*b*e*y*s", True),
        ("X, Y and Z", False),
        ("J. R. R. Tolkien", False),
        ("U.S.A.", False),
        ("a b c d", False),
        ("1 2 3 4 5 6", False),
    ],
)
def test_spelled_out(text: str, *, expected: bool) -> None:
    """Five letters that stand alone in a row are a word spelled out; initials and lists of a few are not."""
    assert is_spelled_out(text) == expected


@steady
@given(words=st.lists(WORDS, min_size=1, max_size=8), data=st.data())
def test_any_words_of_a_text_are_found_in_it(words: list[str], data: st.DataObject) -> None:
    """Consecutive words copied out of a text are found in it, whatever script they are in."""
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))

    assert comparable(" ".join(words[start:end])) in comparable(" ".join(words))


@pytest.mark.parametrize(
    ("message", "own"),
    [
        ("I use vim", ["I use vim"]),
        ("> I use vim\nso you say", ["so you say"]),
        ("   > I use vim\nok", ["ok"]),
        ("\t> I use vim\nok", ["ok"]),
        ("&gt; I use vim\nok", ["ok"]),
        (">I use vim", []),
        ("> a\n> b\nmine\n> c", ["mine"]),
        ("mine\n> a\nmine too", ["mine", "mine too"]),
        (">> nested\nmine", ["mine"]),
        ("&gt;&gt; nested\nmine", ["mine"]),
        ("before ```I use vim``` after", ["before", "after"]),
        ("before\n```python\nI use vim\n```\nafter", ["before", "after"]),
        ("before ```never closed\nI use vim", ["before"]),
        ("```a``` mine ```b```", ["mine"]),
        ("````\nI use vim\n````", ["`"]),
        ("a > b", ["a > b"]),
        ("a >>> b\nmine", ["a >>> b mine"]),
        ("x -> y", ["x -> y"]),
        ("I use `vim`", ["I use `vim`"]),
        ("> ```\nI use vim", []),
        ("```\n>>> code\n```\nmine", ["mine"]),
        (">>> a\nb\n\nc", []),
        ("mine\n  &gt;&gt;&gt; a\nb", ["mine"]),
        (">&gt;> a\nb", []),
        ("see below\n---------- Forwarded message ---------\nFrom: Bo\nI use vim", ["see below"]),
        ("-----Ursprüngliche Nachricht-----\nI use vim\n\nand zsh", []),
        ("mine\n  -------- Message d'origine --------  \nI use vim", ["mine"]),
        ("----------\nmine", ["---------- mine"]),
        ("--- note ---\nmine", ["--- note --- mine"]),
        ("a ----- b -----\nmine", ["a ----- b ----- mine"]),
        ("", []),
    ],
)
def test_typed(message: str, own: list[str]) -> None:
    """Quoted lines, code fences and forwarded mail are not a member's own words, and part those around them."""
    assert [canonical(passage) for passage in typed(message) if canonical(passage)] == own


@pytest.mark.parametrize("message", [">>> I use vim\nI live in Oslo", "mine\n>>> I use vim\nI live in Oslo\n\nand ski"])
def test_block_quote_runs_to_the_end(message: str) -> None:
    """Three signs at the start of a line quote all the rest of a message, on Discord as in Slack's markup."""
    own = " ".join(typed(message))

    assert "vim" not in own
    assert "Oslo" not in own
    assert "ski" not in own


@pytest.mark.parametrize(
    "message",
    ["I live ```not``` in Oslo", "I live```not```in Oslo", "I live\n> not\nin Oslo", "I live\n>\n```\n```\nin Oslo"],
)
def test_words_around_what_was_taken_out_do_not_join(message: str) -> None:
    """Words on both sides of a fence or a quoted line do not read as if they stood together."""
    assert not is_quoted("I live in Oslo", message)
    assert is_quoted("I live", message)
    assert is_quoted("in Oslo", message)


@steady
@given(text=st.text(st.sampled_from("ab >&gt;`\n"), max_size=24))
def test_no_quoted_line_is_left(text: str) -> None:
    """Whatever a message looks like, no line of what is left of it is a quote or holds a fence."""
    for own in typed(text):
        assert "```" not in own
        assert not any(one.lstrip(" \t").startswith((">", "&gt;")) for one in own.split("\n"))


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "see HTTP://EXAMPLE.COM/a",
        "www.example.com",
        "WWW.example.com",
        "slack://open",
        "<https://example.com|docs>",
        "[docs](https://example.com)",
        "x-evil+1://a",
        "ftp://host/file",
        "example.com/path",
        "buy at shop.example:8080/x",
        "me@mail.example",
        "mailto:me",
        "JavaScript:alert(1)",
        "data:text/html;base64",
    ],
)
def test_link_is_seen(text: str) -> None:
    """The address of a page or a mailbox is seen in any case, scheme and markup."""
    assert has_link(text)


@pytest.mark.parametrize(
    "text",
    [
        *("Node.js", "ASP.NET", "C://", "and/or", "9:30", "www", "www. ", "a: //", "v1.2.3", "rock//roll", ""),
        *("Next.js/React", "booking.com", "draw.io", "@angular/core", "h@ckathons", "data: big and small", "TCP/IP"),
        *("src/main.rs", "v1.2/v1.3", "9.30/10.30"),
    ],
)
def test_what_only_looks_like_a_link(text: str) -> None:
    """Names of tools, times and slashes are no links."""
    assert not has_link(text)
