"""A session: the stretch of one conversation that the persona optimizer reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from persona.audience import Audience, Place, learned_in
from persona.persona import MemberKey, Persona


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message of a session."""

    message: str
    """The platform's id of the message."""
    speaker: MemberKey | None
    """None for the assistant's own reply: context, never evidence."""
    text: str
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What was said in one room until it fell idle, by members who agreed to be learned from."""

    room: str
    place: Place
    lines: tuple[Line, ...]
    """In the order they were said. Members who did not agree are not in it."""
    personas: Mapping[MemberKey, Persona]
    """What readers of this room may know of each speaker already: nothing else may reach the optimizer."""
    special: Mapping[MemberKey, Mapping[str, datetime]] = field(default_factory=dict)
    """The special categories each speaker agrees to have learned here, with since when what they said counts."""

    @property
    def id(self) -> str:
        """Names the session: its room, and the message it begins with."""
        return f"{self.place.tenant}/{self.room}/{self.lines[0].message if self.lines else ''}"

    def agreed(self, member: MemberKey) -> Mapping[str, datetime]:
        """The special categories that may be learned of a member here, and since when: none where others read."""
        return self.special.get(member, {}) if self.place.kind == "direct" else {}

    def zone(self, member: MemberKey) -> tzinfo:
        """Where a member's days begin, as far as readers of this room may know it; otherwise UTC."""
        persona = self.personas.get(member)
        return persona.zone if persona else UTC

    @property
    def audience(self) -> Audience:
        """Who may know what is learned here, style fields aside."""
        return learned_in(self.place)

    @property
    def speakers(self) -> tuple[MemberKey, ...]:
        """The members who speak, in order of first appearance."""
        return tuple(dict.fromkeys(line.speaker for line in self.lines if line.speaker is not None))
