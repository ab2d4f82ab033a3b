"""The output gate: what a room posted stays a link, nothing else becomes one, and words stay as they are."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot import addresses, markdown

POSTED = "https://docs.example/guide"
WIKI = "https://wiki.example/A_(b)?x=1&copy=2#top"
KNOWN = addresses.found(f"see {POSTED}, or {WIKI}!", "ask ana@docs.example (or docs.dev)")

quick = settings(max_examples=60, deadline=None)


# -- what was posted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("(see https://a.example/x).", "https://a.example/x"),
        ("docs (https://a.example/x)", "https://a.example/x"),
        ("<https://a.example/x>", "https://a.example/x"),
        ("[docs](https://a.example/x)", "https://a.example/x"),
        ("[https://b.example](https://a.example/x)", "https://a.example/x"),
        ('{"tools":["https://a.example/x"]}', "https://a.example/x"),
        ("https://a.example/xを見て", "https://a.example/x"),
        ("`www.a.example`", "www.a.example"),
        ("bo@a.example, please", "bo@a.example"),
        ("it is a.dev/x?y", "a.dev/x?y"),
        ("line\nhttps://a.example/x\nline", "https://a.example/x"),
    ],
)
def test_an_address_is_found_as_it_stands(text: str, address: str) -> None:
    """Around an address stand brackets, quotes and full stops, which are no part of it."""
    assert address in addresses.found(text)


def test_a_part_of_an_address_is_not_posted() -> None:
    """The choice of a part would carry something off: only the whole of what was posted counts."""
    found = addresses.found("https://a.example/long/path?with=more")

    assert found == {"https://a.example/long/path?with=more"}


@pytest.mark.parametrize(
    "text",
    [
        POSTED,
        WIKI,
        f"See {POSTED}.",
        f"({POSTED})",
        f"**{POSTED}**.",
        f"<{POSTED}>",
        f"`{POSTED}`",
        f"_{POSTED}_",
        f"„{POSTED}“, „{WIKI}“",
        f"- {POSTED}\n- {WIKI}",
        f"```\ncurl {POSTED}\n```",
        f"| {POSTED} |",
        "ask ana@docs.example, or docs.dev: both",
    ],
)
def test_what_was_posted_stays_as_it_is(text: str) -> None:
    """An answer may repeat an address of its conversation, in brackets, bold, lists or code."""
    assert addresses.gated(text, KNOWN) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"[the guide]({POSTED})", f"the guide ({POSTED})"),
        (f"![]({POSTED})", POSTED),
        (f"![a picture]({POSTED})", f"a picture ({POSTED})"),
        (f"[{POSTED}]({POSTED})", POSTED),
        (f'[the guide](<{POSTED}> "title")', f"the guide ({POSTED})"),
        (f"[the\nguide]({POSTED})", f"[the\nguide] ({POSTED})"),
        (f"[the guide](\n{POSTED})", f"[the guide] (\n{POSTED})"),
        (f"[the guide](\u00a0{POSTED})", f"[the guide] (\u00a0{POSTED})"),
        (f"`[the guide]({POSTED})`", f"`[the guide]({POSTED})`"),
    ],
)
def test_a_link_shows_where_it_leads(text: str, shown: str) -> None:
    """No link and no picture hides its target behind other words, but in code, where nothing is a link."""
    assert addresses.gated(text, KNOWN).replace("guide](https[:]//docs[.]example/guide)", f"guide]({POSTED})") == shown


# -- what was not posted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://evil.example/zq", "https[:]//evil[.]example/zq"),
        ("HTTPS://EVIL.example", "HTTPS[:]//EVIL[.]example"),
        ("(https://evil.example/).", "(https[:]//evil[.]example/)."),
        ("[x](https://evil.example)", "x (https[:]//evil[.]example)"),
        ("![x](https://evil.example/p.png)", "x (https[:]//evil[.]example/p[.]png)"),
        ("[x](http:evil.example)", "x (http[:]evil[.]example)"),
        ("`https://evil.example`", "`https[:]//evil[.]example`"),
        ("```\nhttps://evil.example\n```", "```\nhttps[:]//evil[.]example\n```"),
        ("<https://evil.example|our bank>", "<https[:]//evil[.]example|our bank>"),
        ("[1]: https://evil.example", "[1]: https[:]//evil[.]example"),
        ("slack://open?q=zq", "slack[:]//open?q=zq"),
        ("mailto:bo@evil.example", "mailto[:]bo[@]evil[.]example"),
        ("bo@evil.example", "bo[@]evil[.]example"),
        ("tel:+15551234", "tel[:]+15551234"),
        ("<+15551234>", "<[+]15551234>"),
        ("www.evil.example", "www[.]evil[.]example"),
        ("discord.gg/zq", "discord[.]gg/zq"),
        ("`discord.gg/zq`", "`discord[.]gg/zq`"),
        ("evil.dev", "evil[.]dev"),
        ("_evil.dev_", "_evil[.]dev_"),
        ("zq.evil.dev/x", "zq[.]evil[.]dev/x"),
        ("report.zip", "report[.]zip"),
        ("https://еvil.рф", "https[:]//еvil[.]рф"),
        ("еvil.рф", "еvil[.]рф"),
        ("xn--80ak6aa.com", "xn--80ak6aa[.]com"),
        ("http://127.0.0.1:8080/zq", "http[:]//127[.]0[.]0[.]1[:]8080/zq"),
        ("xhttps://evil.example", "xhttps[:]//evil[.]example"),
        ("é.https://evil.example", "é[.]https[:]//evil[.]example"),
        ("https&#58;//evil.example", "https[&]#58;//evil[.]example"),
        ("evil&period;dev", "evil[&]period;dev"),
        ("https:\\/\\/evil.example", "https[:]\\/\\/evil[.]example"),
        ("https:**//**evil.dev", "https[:]**//**evil[.]dev"),
        ("evil.\u200bdev", "evil[.]\u200bdev"),
        ("[x](http:\n", "[x] (http:\n"),
        ("evil.[dev](x)", "evil.[dev] (x)"),
        ("https:[//evil.newest](x y)", "https:[//evil.newest] (x y)"),
        ("&```\n```\nevil.dev", "&```\n```\nevil[.]dev"),
        ("``a` evil.dev `", "``a` evil[.]dev `"),
    ],
)
def test_what_nobody_posted_is_shown_and_is_no_link(text: str, shown: str) -> None:
    """Every spelling a platform makes a link of is written so that it does not, and people can still read it."""
    assert addresses.gated(text, KNOWN) == shown


@pytest.mark.parametrize(
    "text",
    [
        f"{POSTED}/zq",
        f"{POSTED}?q=zq",
        f"{POSTED}#zq",
        f"{POSTED}.evil.example",
        f"{POSTED}@evil.example",
        f"{POSTED}\u200bzq",
        f"{POSTED}\u00a0zq",
        f"{POSTED}](zq)",
        f"{POSTED})zq",
        f"{POSTED}!?!!??!!",
        POSTED.upper(),
        POSTED.replace("https", "http"),
        POSTED.removesuffix("/guide"),
        POSTED.replace("guide", "%67uide"),
        POSTED.replace("docs", "d\u043ecs"),
        "https://docs.example@evil.example/guide",
        "zq.docs.dev",
        "docs.dev/zq",
        "docs.dev:443",
        "https://docs.dev",
        "zq-ana@docs.example",
        "ana@docs.example?subject=zq",
        "ana@docs.example.evil.dev",
    ],
)
def test_what_was_posted_and_changed_was_not_posted(text: str) -> None:
    """One character more, less or other than what was posted, and it is not live."""
    gated = addresses.gated(text, KNOWN)

    assert gated != text
    assert addresses.found(gated) == frozenset()


# -- what a reader wants ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Version 3.5 of it, e.g. v1.2.3, i.e. the newest… or so...we hope. Done!Next at 12:30, 5 p.m.",
        "Edit README.md, docs/setup.md, app.py:12, run.sh, config.yaml, index.html, node.js and main.rs.",
        "os.path, self.x, java.util.List, a.b.c, std::vector, C:\\\\temp, key:value, a/b/c, @ana, #team, :smile:",
        "`asyncio.run` and `df.info()`, `user.name`",
        "```py\nasyncio.run(main())\nuser.name = df.info\nx[0](y)\n```\nso",
        "| a | b |\n|---|---|\n| 1.5 | x:y |",
        "[not a link](here) and f[0](x), [1], [.], [:]",
        "URLs begin with https:// or http://…, mail with mailto: and an @",
        "お元気ですか。はい。 ¿Qué? Привет, мир. 👩‍👩‍👧.",
        "AT&T &amp; others; a && b; R&D.",
    ],
)
def test_text_without_addresses_is_left_alone(text: str) -> None:
    """Numbers, versions, abbreviations, file names, code and punctuation are shown byte for byte."""
    assert addresses.gated(text, frozenset()) == text


WORDS = st.text(st.characters(exclude_characters=".:@&", codec="utf-8"), max_size=12)


@quick
@given(st.lists(WORDS | st.sampled_from([" ", "\n", ". ", ": ", "...", " 3.5 ", "```", "`", "**"]), max_size=20))
def test_no_text_without_addresses_changes(pieces: list[str]) -> None:
    """Without anything in the form of an address, whatever is written comes out byte for byte."""
    text = "".join(pieces).replace("<+", "")

    if addresses.found(text) == frozenset():
        assert addresses.gated(text, frozenset()) == text


@quick
@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["[", "](", ".", ":", "//", "a", "dev", "&#46;", "`", "@"])).map("".join)
)
@example("https://a[.evil.dev")
def test_gating_twice_is_gating_once(text: str) -> None:
    """What is safe stays as it is, so that a part can be gated again."""
    once = addresses.gated(text, frozenset())

    assert addresses.gated(once, frozenset()) == once


# -- parts ------------------------------------------------------------------------------------------------------------


def test_a_cut_makes_no_other_address() -> None:
    """Of an address that is longer than a part no piece is live."""
    long = f"https://docs.example/{'a' * 300}"

    parts = addresses.parts(f"See {long}", addresses.found(long), lambda text: markdown.split(text, 100))

    assert len(parts) > 2
    assert [part for part in parts if addresses.found(part)] == []
    assert max(map(len, parts)) <= 100


def test_a_cut_makes_no_code_a_host() -> None:
    """Code that loses a mark to the end of its part is gated as words are."""
    parts = addresses.parts("x" * 30 + " `run evil.dev now`", frozenset(), lambda text: markdown.split(text, 40))

    assert len(parts) == 2
    assert "evil[.]dev" in parts[1]


def test_what_fits_is_one_part() -> None:
    """An answer without unknown addresses is cut as it would be without a gate."""
    text = f"See {POSTED} and `asyncio.run`.\n\n```\nx\n```"

    assert addresses.parts(text, KNOWN, lambda text: markdown.split(text, 200)) == [text]
