"""The one kind of error that is the user's to mend."""


class InputError(ValueError):
    """Bad input. The message is one sentence: which file or option, what is wrong, what to do."""
