"""Export, erase, propagate (reliability B24): members tell things, take them back, and leave; what is gone is gone.

One story on a real file, through the adapters' own listeners, on a clock that stands still. What holds in it is decided
by the auditor and the ledger; this tells the story and hands over what can be seen: views, exports, prompts, files.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from bot import errors
from bot.messages import Member, Room
from bot.store.engine import Store
from tests.models import ScriptedModel
from tests.privacy import auditor, exported
from tests.privacy.bytescan import scan
from tests.privacy.house import House
from tests.privacy.ledger import Place, found
from tests.privacy.platforms import SPOTS, Home, Spot
from tests.privacy.stage import Repeating, Stage, facts_in, key

MINUTE_S = 60
PURGE_DAYS = 3
EVERYWHERE = ("show", "export", "history", "used")
"""Commands that show what is kept of a member."""


class Story(Stage):
    """What is told on a stage, and what becomes of it."""

    async def told_whole(self) -> None:
        """All of it, in this order."""
        told, gone = (self.tell, self.export, self.take_back), (self.outages, self.throw_out)
        for part in (*told, *gone, self.erase, self.live_on, self.pass_day, self.scan, self.restore, self.purge):
            before = len(self.report.findings)
            await part()
            self.report.found[part.__name__] += len(self.report.findings) - before

    # -- what is told ---------------------------------------------------------------------------------------------

    async def tell(self) -> None:
        """Let everybody tell things in several rooms, some of them twice, until all of it is learned."""
        for number in range(self.size.says):
            for home in self.homes:
                for who in home.members:
                    known = [fact for fact in self.ledger.of(key(who)) if self.ledger.told[fact].is_fact]
                    is_again = bool(known) and self.random.random() < 0.2
                    fact = self.random.choice(known) if is_again else self.ledger.canary(key(who), is_fact=True)
                    await self.says(home, who, self.random.choice(SPOTS), f"I use {fact}.")
                if number % 2:
                    await self.quiet(home)
        await self._leave_traces()
        await self.quiet(*self.homes)
        await self.learn()

    async def _leave_traces(self) -> None:
        """Let members leave whatever else is kept of somebody: decisions, marks, codes, what was refused."""
        run = self.house.commands.run
        for number, (home, who) in enumerate(self.everybody(self.homes)):
            match number % 6:
                case 0:
                    await run("link", who)
                    await run("link WRONG-WRONG", who)
                case 1:
                    await self.says(home, who, "direct", "Off the record: I sing.")
                    for words in ("off the record", "on the record"):
                        await home.says(who, "direct", words)
                case 2:
                    await run("forget languages", who)
                    await run("observe off", who)
                case 3:
                    await self._tell_of_health(home, who, agrees=home.tenant.startswith("slack:") and number % 4 == 3)
                case 4:
                    await run(f"add interests {self.ledger.canary(key(who), is_fact=True)}", who)
                    await run("offers off", who)
                case _:
                    await run("add tools Vim", who)
                    await run("undo", who)
            await self.quiet(home)

    async def _tell_of_health(self, home: Home, who: Member, *, agrees: bool) -> None:
        """Let a member say what is kept of nobody who did not agree to it, and agree."""
        await self.says(home, who, "team", "I use antidepressants.")
        if not agrees:
            await self.says(home, who, "direct", "I am allergic to cats.")
            return
        await self.says(home, who, "direct", f"I am allergic to {self.ledger.canary(key(who), is_fact=True)}.")
        await self.quiet(home)
        room, _, offered = next(told for told in self.house.rooms.told[::-1] if told[1].key == who.key)
        await self.house.commands.press(offered.buttons[0].action, who, room=room)

    # -- what is exported -----------------------------------------------------------------------------------------

    async def export(self) -> None:
        """Compare everybody's export with what is stored of them."""
        self.report.finds(f"nobody told the auditor of {name}" for name in exported.unknown(self.database))
        for _, who in self.everybody(self.homes):
            with self.report.timed("export"):
                text = await self.exported(who)
            compared = exported.compare(self.database, self.ledger, key(who), text)
            self.report.finds(compared.lacking)
            self.report.counts["exports"] += 1
            self.report.counts["items"] += compared.compared
            self.known[key(who)] = facts_in(text)
        told = [canary for canary, told in self.ledger.told.items() if told.is_fact]
        self.report.counts["told"] = len(told)
        self.report.counts["learned"] = sum(map(len, self.known.values()))

    # -- what is taken back ---------------------------------------------------------------------------------------

    async def take_back(self) -> None:
        """Let messages be deleted, singly and together, and edited, and look a minute later what is known still."""
        staying = [post for post, (home, _) in self.posts.items() if home in self.staying]
        chosen = self.random.sample(staying, self.size.deletions + self.size.edits)
        deleted, edited = chosen[: self.size.deletions], chosen[self.size.deletions :]
        with self.report.timed("taking back"):
            await self._delete(deleted)
            for number, post in enumerate(edited):
                await self._edit(post, keeps=bool(number % 2))
            await self.quiet(*self.staying)
        self.clock.advance(seconds=MINUTE_S)
        self.report.finds(auditor.resting_on(self.database, deleted))
        gone = self.ledger.taken_back()
        self.ledger.withheld |= gone
        for _, who in self.everybody(self.staying):
            facts = facts_in(await self.exported(who)) | found(repr(await self.house.commands.run("show", who)))
            before = self.known[key(who)]
            self.report.finds(f"{fact} is known though its messages are gone" for fact in facts & gone)
            self.report.finds(f"{fact} is lost" for fact in before - gone - facts)
            self.report.counts["kept"] += len(before - gone)
            self.report.counts["retracted"] += len(before & gone)

    async def _delete(self, posts: Sequence[Place]) -> None:
        """Delete posts, those of one room together."""
        rooms: defaultdict[tuple[str, str], list[Place]] = defaultdict(list)
        for post in posts:
            rooms[post[:2]].append(post)
        for together in rooms.values():
            home, _ = self.posts[together[0]]
            self.report.counts["in bulk"] += await home.deletes(*together)
            for post in together:
                self.ledger.says(post, "")
                del self.posts[post]
        self.report.counts["deleted"] += len(posts)

    async def _edit(self, post: Place, *, keeps: bool) -> None:
        """Edit a post, and either keep the words of its fact or take them out."""
        home, who = self.posts[post]
        note = self.ledger.canary(key(who), is_fact=False)
        text = f"{self.sentences[post] if keeps else 'Never mind.'} Note {note}."
        await home.edits(post, text)
        self.ledger.says(post, text)
        self.report.counts["edited"] += 1

    # -- outages, and where we are thrown out ---------------------------------------------------------------------

    async def outages(self) -> None:
        """Let servers be unavailable for some hours: nothing of them may change."""
        before = {server.tenant: auditor.of_tenant(self.database, server.tenant) for server in self.unavailable}
        for server in self.unavailable:
            await server.outage()
        await self.quiet(self.first[-1])
        for _ in range(3):
            await self.pass_hour()
        for server in self.unavailable:
            await server.outage_ends()
        await self.quiet(*self.unavailable)
        for tenant, rows in before.items():
            after = auditor.of_tenant(self.database, tenant)
            self.report.finds(f"the outage of {tenant} changed {name}" for name in rows if rows[name] != after[name])
            self.report.counts["rows in outages"] += sum(map(len, rows.values()))
            self.report.counts["outages"] += 1

    async def throw_out(self) -> None:
        """Let us be uninstalled and removed: within a minute nothing from there is known or answered any more."""
        members = [key(who) for _, who in self.everybody(self.uninstalled)]
        self.lost_keys = auditor.key_ids(self.database, members)
        for home in self.lost:
            with self.report.timed("freezing"):
                await home.removes_us()
                await self.quiet(self.first[-1])
        self.clock.advance(seconds=MINUTE_S)
        for home in self.lost:
            self.report.finds(auditor.not_frozen(self.database, home.tenant))
            only_there = self.ledger.known_from(home.tenant)
            self.ledger.withheld |= only_there
            for who in home.members:
                shown = found(repr(await self.house.commands.run("show", who)))
                self.report.finds(f"{fact} of {home.tenant} is shown" for fact in shown & only_there)
                self.report.counts["frozen"] += len(self.known[key(who)] & only_there)
        for home in self.uninstalled:
            before = auditor.accepted(self.database, home.tenant)
            await self.says(home, home.members[0], "direct", "Anybody here?")
            is_heard = auditor.accepted(self.database, home.tenant) != before
            self.report.finds([f"{home.tenant} is answered though we are gone"] * is_heard)
        for home in self.removed:
            for who in home.members:
                await home.says(who, "direct", "What do you know of me?")
        await self.quiet(self.first[-1])

    async def purge(self) -> None:
        """Let the time pass after which nothing may be left of where we were thrown out, not even a key."""
        await self.pass_hours(24 * PURGE_DAYS)
        for home in self.lost:
            left = auditor.of_tenant(self.database, home.tenant)
            self.report.finds(
                f"{name} holds {len(rows)} rows of {home.tenant}"
                for name, rows in left.items()
                if rows and name.partition(".")[0] not in auditor.STAYING
            )
            self.report.counts["purged"] += 1
        self.report.finds(auditor.keys_left(self.folder / "data", self.lost_keys))

    # -- erasing --------------------------------------------------------------------------------------------------

    async def erase(self) -> None:
        """Let members have everything erased while it is being learned and answered, and look a minute later."""
        leaving = self._leaving()
        earlier = {who: [post for post, (_, author) in self.posts.items() if author == who][:2] for _, who in leaving}
        fresh = [await self._uses(home, who, spot) for home, who in leaving for spot in (SPOTS[0], SPOTS[-1])]
        await self.quiet(*self.staying)
        self._keep_backup([who for _, who in leaving])
        self.clock.advance(minutes=31)
        self.model.hold()
        async with asyncio.TaskGroup() as late:
            await self._begin_to_learn(late)
            learning = self.model.waiting
            for home, who in leaving:
                await self._uses(home, who, "direct")
            await self.model.holds(learning + len(leaving))
            self.report.counts["late jobs"] += auditor.being_learned(self.database, fresh)
            self.report.counts["late jobs"] += self.model.waiting - learning
            self.erased_at = self.clock.now()
            for number, (_, who) in enumerate(leaving):
                await self._erase_one(who, withdraws=bool(number % 2))
            for home, who in leaving:
                await self._come_late(home, who, earlier[who])
            self.model.release()
        await self.quiet(*self.staying)
        self.clock.advance(seconds=MINUTE_S)
        for who in self.left:
            self.ledger.erase(key(who))
            self.report.finds(auditor.left_of(self.database, key(who), until=self.erased_at))
            posts = [post for post, (_, author) in self.posts.items() if author == who]
            self.report.finds(auditor.answers_left(self.database, key(who), posts))
        await self._look_everywhere(self.house, [who for _, who in self.everybody(self.staying)])
        await self._ask_everywhere()

    def _leaving(self) -> list[tuple[Home, Member]]:
        said = Counter(who for _, who in self.posts.values())
        members = [one for one in self.everybody(self.staying) if said[one[1]] >= 2]
        return self.random.sample(members, self.size.erased)

    def _keep_backup(self, leaving: Sequence[Member]) -> None:
        """Copy the database as it is, and note what is sealed with which keys."""
        self.backup = auditor.copied(self.database, self.folder / "backup" / self.database.name)
        self.keys = auditor.key_ids(self.database, map(key, leaving))
        self.report.counts["sealed"] += len(auditor.keys_left(self.folder / "data", self.keys))

    async def _begin_to_learn(self, late: asyncio.TaskGroup) -> None:
        """Let sweeps claim everything that is idle; the model holds up each of them."""
        while True:
            sweep = late.create_task(self.house.learning.sweep())
            held = late.create_task(self.model.holds(self.model.waiting + 1))
            await asyncio.wait({sweep, held}, return_when=asyncio.FIRST_COMPLETED)
            if sweep.done():
                held.cancel()
                return

    async def _erase_one(self, who: Member, *, withdraws: bool) -> None:
        with self.report.timed("erasing"):
            if withdraws:
                await self.house.commands.press("consent:withdrawn", who)
            else:
                await self.house.commands.run("forget all", who)
        self.left.append(who)
        self.withdrawn |= {who} if withdraws else set()

    async def _come_late(self, home: Home, who: Member, earlier: Sequence[Place]) -> None:
        """Let the platform tell what a member did before they left: once more, or for the first time."""
        again, edited = earlier
        await home.repeats(again)
        text = f"I use {self.ledger.canary(key(who), is_fact=True)}."
        await home.edits(edited, text)
        self.ledger.says(edited, text)
        self.report.counts["late jobs"] += 2

    async def _look_everywhere(self, house: House, members: Iterable[Member]) -> None:
        """Look at all that members are shown of themselves."""
        for who in members:
            for words in EVERYWHERE:
                view = await house.commands.run(words, who)
                self.report.look(self.ledger, f"what `{words}` shows", repr(view))

    async def _ask_everywhere(self) -> None:
        """Let everybody ask in public and directly: the model is given whatever may be known there."""
        for home in self.staying:
            for who in home.members:
                for spot in (SPOTS[0], SPOTS[-1]):
                    await home.says(who, spot, "What was said here, and what do you know of me?")
            await self.quiet(home)

    async def live_on(self) -> None:
        """Let those who left tell something new: it is learned unless they withdrew."""
        told = {}
        for who in self.left:
            home = next(home for home in self.staying if who in home.members)
            told[who] = await self._uses(home, who, "direct")
            await self.quiet(home)
        await self.learn()
        for who, post in told.items():
            is_known = bool(self.ledger.at(post) & facts_in(await self.exported(who)))
            self.report.finds([f"{who.id} withdrew, and is learned from"] * (is_known and who in self.withdrawn))
            self.report.finds([f"{who.id} is not learned from any more"] * (not is_known and who not in self.withdrawn))
            self.report.counts["began anew"] += is_known

    async def _uses(self, home: Home, who: Member, spot: Spot) -> Place:
        return await self.says(home, who, spot, f"I use {self.ledger.canary(key(who), is_fact=True)}.")

    # -- a day later ----------------------------------------------------------------------------------------------

    async def pass_day(self) -> None:
        """Let a day pass for somebody who leaves just after the file was written anew."""
        await self.pass_hours(1)
        straggler = next(who for _, who in self.everybody(self.staying) if who not in self.left)
        self.keys += auditor.key_ids(self.database, [key(straggler)])
        await self._erase_one(straggler, withdraws=False)
        self.ledger.erase(key(straggler))
        await self.pass_hours(24)

    async def scan(self) -> None:
        """Look for whatever was told in the bytes of every file there is, and for what was sealed for who left."""
        looked = scan(self.folder / "data", self.ledger.told)
        self.report.finds(f"{canary} stands in {places}" for canary, places in looked.hits.items())
        self.report.finds(auditor.keys_left(self.folder / "data", self.keys))
        self.report.finds(
            [f"{name} is not there" for name in ("rapport.log", "rapport.db") if not looked.files.get(name)]
        )
        self.report.counts["scanned"] = len(self.ledger.told)
        self.report.counts["files"], self.report.counts["bytes"] = len(looked.files), sum(looked.files.values())

    # -- backups --------------------------------------------------------------------------------------------------

    async def restore(self) -> None:
        """Put the backup from before the erasures in the place of the database: nobody is back."""
        looked = scan(self.backup.parent, self.ledger.told)
        self.report.finds(f"{canary} stands in a backup" for canary in looked.hits)
        try:
            async with House.opened(_copied(self.backup, self.folder / "alone"), self.clock, model=ScriptedModel()):
                self.report.finds(["a backup was opened without its keys"])
        except errors.StoreKeyError:
            self.report.counts["unopened"] += 1
        await self.look_into(self.restored(keys=self.database))

    def restored(self, *, keys: Path) -> Path:
        """A copy of the backup with the key file of another database beside it."""
        restored = _copied(self.backup, self.folder / "restored")
        for beside in ("-keys", ".key"):
            shutil.copy(f"{keys}{beside}", f"{restored}{beside}")
        return restored

    async def look_into(self, database: Path, *, around: Callable[[Store], Store] | None = None) -> None:
        """Open a restored database, let everything run that would, and look whether anybody is back."""
        async with self._reopened(database, around) as house:
            while (await house.learning.sweep()).sessions:
                pass
            for who in self.left:
                self.report.finds(auditor.left_of(database, key(who), until=self.erased_at))
                room = Room(tenant=who.tenant, channel=f"D{who.id}", kind="direct")
                if room.platform == "slack":
                    await house.intake.accept(house.message(who, room, "What do you know of me?"))
            await house.lanes.drained()
            await self._look_everywhere(house, self.left)
            self.report.counts["restored"] += len(self.left)

    @asynccontextmanager
    async def _reopened(self, database: Path, around: Callable[[Store], Store] | None) -> AsyncIterator[House]:
        model = Repeating(partial(self.report.look, self.ledger))
        async with House.opened(database, self.clock, model=model, around=around) as house:
            house.rooms.kinds |= self.house.rooms.kinds
            self.clock.advance(minutes=31)
            yield house


def _copied(database: Path, folder: Path) -> Path:
    folder.mkdir()
    return Path(shutil.copy(database, folder))
