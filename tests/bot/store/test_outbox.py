"""The outbox: what a restart has to know about a reply that is on its way."""

from functools import partial

from bot.messages import AnswerId, TenantId
from bot.store import outbox
from bot.store.engine import Store
from bot.store.outbox import Part
from persona.persona import MemberKey

TENANT = TenantId("slack:T1")
ANSWER = AnswerId("a1")
ANA = MemberKey(tenant=TENANT, id="U1")


async def stored(store: Store, tenant: str = TENANT, answer: str = ANSWER) -> list[Part]:
    return await store.read(partial(outbox.parts, tenant=TenantId(tenant), answer=AnswerId(answer)))


async def begin(store: Store, text: str = "Once upon") -> Part:
    return await store.write(partial(outbox.begin, tenant=TENANT, answer=ANSWER, text=text, owner=ANA))


async def make_ready(store: Store, *texts: str) -> list[Part]:
    return await store.write(partial(outbox.make_ready, tenant=TENANT, answer=ANSWER, texts=texts, owner=ANA))


async def posted(store: Store, part: int, post: str) -> None:
    await store.write(partial(outbox.posted, tenant=TENANT, answer=ANSWER, part=part, post=post))


async def test_an_unknown_reply_has_no_parts(store: Store) -> None:
    """A reply that was never begun has no parts."""
    assert await stored(store) == []


async def test_a_reply_that_just_began(store: Store) -> None:
    """The first part of a new reply is new: nobody can have posted it."""
    part = await begin(store, "Once upon")

    assert part == Part(number=0, text="Once upon", state="open", post=None, is_new=True)
    assert [found.state for found in await stored(store)] == ["open"]


async def test_a_growing_reply_is_not_new_twice(store: Store) -> None:
    """From its second showing on, a growing part may have been posted, though its id is not known."""
    await begin(store)
    part = await begin(store, "Once upon a time")

    assert part == Part(number=0, text="Once upon a time", state="open", post=None, is_new=False)


async def test_a_growing_reply_knows_its_post(store: Store) -> None:
    """Once the platform's id is known, every further showing carries it, so that the post is edited."""
    await begin(store)
    await posted(store, 0, "100.1")
    part = await begin(store, "Once upon a time")

    assert part == Part(number=0, text="Once upon a time", state="open", post="100.1", is_new=False)


async def test_what_a_growing_reply_began_with_is_stored(store: Store) -> None:
    """A restart knows the words a reply was posted with, by which the platform can find it; not those it grew by."""
    await begin(store, "Once upon")
    await begin(store, "Once upon a time")

    assert [part.text for part in await stored(store)] == ["Once upon"]


async def test_a_part_the_platform_does_not_have_is_new_again(store: Store) -> None:
    """A part that was looked for and is not there can be forgotten; one whose post is known cannot."""
    await make_ready(store, "one", "two")
    await posted(store, 0, "100.1")
    for part in (0, 1):
        await store.write(partial(outbox.drop, tenant=TENANT, answer=ANSWER, part=part))

    assert [part.is_new for part in await make_ready(store, "one", "two")] == [False, True]


async def test_every_part_of_a_finished_reply_is_stored(store: Store) -> None:
    """A finished reply is stored whole, its parts in order, all of them new."""
    parts = await make_ready(store, "one", "two", "three")

    expected = [Part(number=n, text=text, state="ready", post=None) for n, text in enumerate(["one", "two", "three"])]
    assert await stored(store) == expected
    assert [(part.number, part.text, part.state, part.post) for part in parts] == [
        (part.number, part.text, part.state, part.post) for part in expected
    ]
    assert all(part.is_new for part in parts)


async def test_parts_come_in_order_of_number(store: Store) -> None:
    """The eleventh part comes after the second."""
    texts = [str(number) for number in range(12)]
    await make_ready(store, *texts)

    assert [part.text for part in await stored(store)] == texts


async def test_a_grown_reply_keeps_its_post_when_finished(store: Store) -> None:
    """The post that grew becomes the first part of the finished reply; only the parts after it are new."""
    await begin(store)
    await posted(store, 0, "100.1")
    parts = await make_ready(store, "one", "two")

    assert [(part.post, part.is_new) for part in parts] == [("100.1", False), (None, True)]
    assert [part.post for part in await stored(store)] == ["100.1", None]


async def test_a_reply_that_may_have_been_posted(store: Store) -> None:
    """A part whose post is not known, begun before a crash, is not new: the platform has to be asked."""
    await begin(store)
    parts = await make_ready(store, "one")

    assert [(part.post, part.is_new) for part in parts] == [(None, False)]


async def test_what_is_read_after_a_restart_is_never_new(store: Store) -> None:
    """A part read from the store may have been posted by whoever stored it."""
    await make_ready(store, "one", "two")

    assert [part.is_new for part in await stored(store)] == [False, False]


async def test_each_part_has_its_own_post(store: Store) -> None:
    """The platform's id is recorded for its part alone, and a newer one replaces it."""
    await make_ready(store, "one", "two")
    await posted(store, 1, "100.2")
    await posted(store, 1, "100.3")

    assert [part.post for part in await stored(store)] == [None, "100.3"]


async def test_a_shown_reply_is_sent(store: Store) -> None:
    """Once every part is shown, all of the reply is marked as sent, with text and posts as they were."""
    await make_ready(store, "one", "two")
    await posted(store, 0, "100.1")
    await store.write(partial(outbox.sent, tenant=TENANT, answer=ANSWER))

    found = await stored(store)
    assert [(part.text, part.state, part.post) for part in found] == [("one", "sent", "100.1"), ("two", "sent", None)]


async def test_replies_do_not_touch_each_other(store: Store) -> None:
    """Another reply, or one of the same id in another tenant, stays as it is."""
    await make_ready(store, "ours")
    for tenant, answer in (("slack:T1", "a2"), ("slack:T2", "a1")):
        other = partial(outbox.make_ready, tenant=TenantId(tenant), answer=AnswerId(answer), owner=ANA)
        await store.write(partial(other, texts=["theirs"]))
    await posted(store, 0, "100.1")
    await store.write(partial(outbox.sent, tenant=TENANT, answer=ANSWER))

    assert [(part.text, part.state) for part in await stored(store)] == [("ours", "sent")]
    theirs = [*await stored(store, answer="a2"), *await stored(store, tenant="slack:T2")]
    assert [(part.text, part.state, part.post) for part in theirs] == [("theirs", "ready", None)] * 2
