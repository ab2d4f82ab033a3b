"""The peers' half of `bench.cost`: mem0 and LangMem learn the conversation once a round, as their vendors say.

    python -m bench.peers mem0|langmem <mode>

Runs in an interpreter that has them (bench/peers-requirements.txt), on the standard library and this folder's own
small modules. They are imported by name, so that no type checker and no other bench needs them. The environment says
where ANTHROPIC_BASE_URL and OPENAI_BASE_URL are, and keeps their telemetry off from before their import.
"""

import base64
import importlib
import json
import os
import struct
import sys
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bench import rounds
from bench.conversation import MESSAGES, NAMES, Name

MODEL = "claude-haiku-5-5"
EMBEDDER = "text-embedding-3-small"
DIMENSIONS = 1536

Update = Callable[[], object]


class Persona(BaseModel):
    """What is known about one member of the channel."""

    location: str | None = None
    team: str | None = None
    routines: str | None = None
    tools: str | None = None
    interests: str | None = None
    projects: str | None = None
    values: str | None = None
    food: str | None = None


# -- mem0 -------------------------------------------------------------------------------------------------------------


def mem0(mode: str) -> Update:
    """One `add` per member, as the vendor's own benchmark does with two speakers; or one for the channel."""
    memory = importlib.import_module("mem0").Memory.from_config(_mem0_config())
    if mode == "members":
        return lambda: [_kept(memory.add(_as_seen_by(name), user_id=name)["results"]) for name in NAMES]
    together = [{"role": "user", "content": f"{name}: {text}"} for name, text in MESSAGES]
    return lambda: _kept(memory.add(together, user_id="channel")["results"])


def _mem0_config() -> dict[str, Any]:
    """The vendor's defaults, but for Anthropic's model, and for files in the working directory."""
    # The current SDK takes no temperature, which mem0 sends for haiku models unless told not to.
    model = {
        "model": MODEL,
        "enable_sampling_parameters": False,
        "anthropic_base_url": os.environ["ANTHROPIC_BASE_URL"],
    }
    store = {"path": str(Path("qdrant").absolute()), "on_disk": True, "collection_name": "memories"}
    return {
        "llm": {"provider": "anthropic", "config": model},
        "embedder": {"provider": "openai", "config": {"model": EMBEDDER}},
        "vector_store": {"provider": "qdrant", "config": store},
        "history_db_path": str(Path("history.db").absolute()),
    }


def _as_seen_by(member: Name) -> list[dict[str, str]]:
    """The member is the user and everybody else the assistant, with the names in the text."""
    return [
        {"role": "user" if name == member else "assistant", "content": f"{name}: {text}"} for name, text in MESSAGES
    ]


# -- LangMem ----------------------------------------------------------------------------------------------------------


def langmem(mode: str) -> Update:
    """Notes about each member, a profile of each, or notes about the channel; no model writes the search queries."""
    store = importlib.import_module("langgraph.store.memory").InMemoryStore
    model = importlib.import_module("langchain.chat_models").init_chat_model(f"anthropic:{MODEL}", max_retries=0)
    profile = {"schemas": [Persona], "enable_inserts": False, "default_factory": lambda _: Persona()}
    manager = importlib.import_module("langmem").create_memory_store_manager(
        model,
        namespace=("memories", "{member}"),
        store=store(index={"dims": DIMENSIONS, "embed": _embedded}),
        **(profile if mode == "profile" else {}),
    )
    human = importlib.import_module("langchain_core.messages").HumanMessage
    messages = [human(f"{name}: {text}", name=name) for name, text in MESSAGES]
    subjects = ["channel"] if mode == "channel" else list(NAMES)
    return lambda: [
        _kept(manager.invoke({"messages": messages}, config={"configurable": {"member": subject}}))
        for subject in subjects
    ]


def _embedded(texts: Sequence[str]) -> list[list[float]]:
    """The vectors of some texts, by the least code that can ask for them: LangMem takes any function."""
    body = {"input": list(texts), "model": EMBEDDER, "encoding_format": "base64"}
    request = urllib.request.Request(  # noqa: S310 - loopback, see bench.cost
        os.environ["OPENAI_BASE_URL"] + "/embeddings",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - likewise
        rows = json.load(response)["data"]
    return [list(struct.unpack(f"<{DIMENSIONS}f", base64.b64decode(row["embedding"]))) for row in rows]


def _kept(stored: Sequence[object]) -> int:
    """How much an update kept. One that kept nothing is none: both libraries only log what goes wrong."""
    if not stored:
        raise SystemExit("the peer kept nothing of the conversation")
    return len(stored)


PEERS: dict[str, Callable[[str], Update]] = {"mem0": mem0, "langmem": langmem}


def main() -> None:
    """Learn the conversation for every line that comes in."""
    peer, mode = sys.argv[1:]
    update = PEERS[peer](mode)
    for _ in rounds.wanted():
        with rounds.measured():
            update()


if __name__ == "__main__":
    main()
