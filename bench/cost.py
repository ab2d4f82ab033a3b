"""What one update of two members' personas costs, Rapport beside mem0 and LangMem, in one run.

    python -m bench.cost [rounds]

Each has a process of its own and learns the same conversation once a round, from a model that answers at once with
the same ten facts.
"""

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import tables
from bench.children import ROOT, Loopback, Way, compare, loopback
from bench.conversation import NAMES, Name, chars
from bench.endpoint import Body, ForPeers, for_us
from bench.figures import machine
from bench.tables import Cost
from bot.settings import Settings

PEERS = ROOT / ".venv-peers"
REQUIREMENTS = ROOT / "bench" / "peers-requirements.txt"


def ours() -> Way:
    """Rapport, without an adapter."""
    return Way(title="Rapport", program=(sys.executable, "-m", "bench.ours"), script=for_us, is_second_start=True)


def peers() -> list[Way]:
    """The peers, each as its vendor means it for two speakers; none, and a line that says so, if they are missing."""
    version = dict(re.findall(r"^(\S+)==(\S+)$", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE))
    mem0, langmem = f"mem0 {version['mem0ai']}", f"LangMem {version['langmem']}"
    if not (PEERS / "peers.stamp").exists():
        print(
            f"{mem0} and {langmem} are skipped: {PEERS.name} could not be made (pip.log in it says why)",
            file=sys.stderr,
        )
        return []
    each, together = [(name,) for name in NAMES], [NAMES]
    return [
        _peer(f"{mem0}, one add per member", "mem0", "members", each),
        _peer(f"{mem0}, one add for the channel", "mem0", "channel", together),
        _peer(f"{langmem}, notes per member", "langmem", "members", each),
        _peer(f"{langmem}, notes for the channel", "langmem", "channel", together),
        _peer(f"{langmem}, profile per member", "langmem", "profile", each),
    ]


def _peer(title: str, peer: str, mode: str, calls: Sequence[tuple[Name, ...]]) -> Way:
    python = str(PEERS / "bin" / "python")
    return Way(title=title, program=(python, "-m", "bench.peers", peer, mode), script=ForPeers(calls))


async def bare_sdk(body: Body, at: Loopback, rounds: int) -> list[Cost]:
    """The vendor's SDK alone, with a request of Rapport's."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "body.json"
        file.write_text(json.dumps(body), encoding="utf-8")
        program = (sys.executable, "-m", "bench.bare_anthropic", str(file))
        return await compare([Way(title="the SDK alone, the same request", program=program, script=for_us)], at, rounds)


async def main() -> None:
    """Measure and print the tables."""
    rounds = max(int(sys.argv[1]) if len(sys.argv) > 1 else 12, tables.WARM_UP + 1)
    async with loopback() as at:
        measured = await compare([ours(), *peers()], at, rounds)
        if not measured or measured[0].title != ours().title:
            sys.exit("without Rapport there is nothing to compare")
        rapport, *others = measured
        body = next(request.body for request in reversed(at.claude.requests) if request.structured)
        sdk = await bare_sdk(body, at, rounds)
    model = Settings.model_fields["persona_model"].default
    print(f"{machine()}, {rounds} rounds\n")
    print(*tables.costs([*measured, *sdk]), "", sep="\n")
    print(*tables.aims(rapport, others), "", sep="\n")
    print(*tables.prices_of(rapport, chars(body["system"]), others, model), sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
