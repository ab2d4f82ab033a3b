"""What a member leaves behind besides their persona, as their export has it: moments, answers, links and the like."""

from bot.store import departures, links, off_record, offers, used
from persona import special
from persona.moments import maybe_to_iso
from persona.persona import MemberKey
from persona.ports import Transaction


async def read(transaction: Transaction, member: MemberKey) -> dict[str, object]:
    """The keys of the export that hold it, ready to be written as JSON."""
    link = await links.link_of(transaction, member)
    return {
        "seen_at": maybe_to_iso(await departures.seen_at(transaction, member)),
        "offers": await offers.are_on(transaction, member),
        "offered_at": maybe_to_iso(await offers.offered_at(transaction, member)),
        "answers": [
            {"tenant": one.tenant, "room": one.room, "asked_at": one.asked_at.isoformat(), "facts": list(one.facts)}
            for one in await used.every(transaction, member)
        ],
        "off_record": [
            {"tenant": one.tenant, "room": one.room, "since": one.since.isoformat(), "until": maybe_to_iso(one.until)}
            for one in await off_record.periods(transaction, member)
        ],
        "agreements": [
            {
                "category": one.category,
                "state": one.state,
                "decided_at": one.decided_at.isoformat(),
                "since": maybe_to_iso(one.since),
                "until": maybe_to_iso(one.until),
                "room": one.room,
                "message": one.message,
            }
            for one in (await special.read(transaction, member)).values()
        ],
        "link": None
        if link is None
        else {"tenant": link.other.tenant, "id": link.other.id, "linked_at": link.linked_at.isoformat()},
        "link_code_expires_at": maybe_to_iso(await links.expiry(transaction, member)),
        "wrong_codes": [moment.isoformat() for moment in await links.guess_times(transaction, member)],
    }
