"""`/persona …`: the same verbs and words on every platform. Words in, a view out; a verb is a file."""
