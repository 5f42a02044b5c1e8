"""The command line: ``understudy`` and its verbs, what one does by hand with an actor's results.

A verb is a dataclass in a file of its own, whose fields are its arguments and whose ``run`` does the work. What the
library has a class of options for is a field of that class: its options are the verb's, with their types, defaults and
sentences. ``verbs`` lists the verbs; ``arguments`` reads them from a command line; ``terminal`` is what is said to people.

Contract: what the user can mend is told in one sentence, and the exit status is 2; what comes from files can steer no
terminal. A verb imports what it works with when it runs, so that help is there at once.

Not here: what a verb does. That is the library's, and the workflow's scripts call the same.
"""

from understudy.cli.verbs import main

__all__ = ["main"]
