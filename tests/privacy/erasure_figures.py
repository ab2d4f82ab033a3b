"""The story of erasure at full size (reliability B24), and its figures; part of `make privacycheck`."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.privacy.erasure import Story
from tests.privacy.stage import FULL

LATE_JOBS, IN_TIME_S = 200, 60


async def gone(folder: Path, *, say: Callable[[str], None]) -> bool:
    """Let members take back what they told, and leave; print what was found, and return whether all of it is gone."""
    began = time.perf_counter()
    async with Story.opened(folder, size=FULL, seed=24) as story:
        await story.told_whole()
    report = story.report
    for line in figures(story):
        say(line)
    say(f"{len(report.findings)} findings of the auditor; {time.perf_counter() - began:.0f} s")
    for finding in report.findings[:20]:
        say(f"  {finding}")
    counts = report.counts
    happened = [counts[name] for name in ("retracted", "in bulk", "kept", "frozen", "sealed", "unopened", "restored")]
    is_whole = counts["learned"] == counts["told"] and counts["late jobs"] == LATE_JOBS and min(happened) > 0
    return is_whole and not report.findings and max(report.slowest_s.values()) < IN_TIME_S


def figures(story: Story) -> Iterator[str]:
    """What happened in a story and what was found in it, one line for each figure."""
    done, slowest, found = story.report.counts, story.report.slowest_s, story.report.found
    yield (
        f"{done['exports']} exports of {done['items']:,} stored items: {found['export']} missing;"
        f" the slowest took {slowest['export']:.2f} s"
    )
    yield (
        f"{done['deleted']} deletions, {done['in bulk']} of them in bulk, and {done['edited']} edits:"
        f" {done['retracted']} facts lose their evidence, {done['kept']} do not; {found['take_back']} known or lost"
        f" that should not be; all took {slowest['taking back']:.0f} s"
    )
    yield f"{done['outages']} outages: {found['outages']} changes in {done['rows in outages']:,} rows"
    yield (
        f"{len(story.uninstalled)} uninstalls and {len(story.removed)} removals with {done['frozen']} facts:"
        f" {found['throw_out']} known, shown or answered a minute after, {found['purge']} rows or keys after 72 hours;"
        f" the slowest took {slowest['freezing']:.2f} s"
    )
    yield (
        f"{len(story.left)} of {FULL.members} members leave, and {done['late jobs']} late jobs come after them:"
        f" {found['erase'] + found['live_on']} rows or words left in {done['looks']:,} prompts and views;"
        f" the slowest took {slowest['erasing']:.2f} s"
    )
    yield (
        f"a day later, {done['scanned']:,} canaries of all members and {len(story.keys)} keys: {found['scan']} found in"
        f" {done['files']} files of {done['bytes'] / 1e6:.1f} MB"
    )
    yield (
        f"a backup without keys, {'refused' if done['unopened'] else 'opened'}, and with today's:"
        f" {found['restore']} found of {done['restored']} members"
    )
