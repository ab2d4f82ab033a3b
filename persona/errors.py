"""What can go wrong in this package.

PersonaError
├── SchemaError     a schema file cannot be used
└── ProposalError   the persona optimizer's output is not what its schema promises
"""


class PersonaError(Exception):
    """Something about a persona went wrong."""


class SchemaError(PersonaError):
    """A persona schema cannot be used; the message names the file, the place and the mend."""


class ProposalError(PersonaError):
    """The model's output is not a valid list of operations; nothing of it may be applied."""
