"""``understudy models``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import FlagCreatePairsOff, Positional

from understudy.cli.places import MODELS, REPOSITORY
from understudy.cli.terminal import print_table, print_text, warn
from understudy.errors import InputError
from understudy.text import one_line, printable

if TYPE_CHECKING:
    from understudy.weights.manifest import Weights


@dataclass(frozen=True)
class Models:
    """List the weights that other backends need, fetch some, check those that are there, or vouch for some: docs/backends.md."""

    action: Positional[Literal["list", "get", "check", "trust"]]
    """list: what there is, and where it comes from; get: fetch those of these names; check: compare checksums; trust: record
    that you trust files as they are now, of these names or paths."""
    names: Positional[tuple[str, ...]] = ()
    """Names of weights, as list shows them; default all, but for get and trust."""
    folder: Path | None = None
    """Where the files are or go; default models/ here, else Understudy's own."""
    trust: FlagCreatePairsOff[bool] = False
    """With get: you trust what comes where its publisher names no checksum; that it has now holds from then on."""

    def run(self) -> None:
        """Do it, and say what was found."""
        from understudy.weights.manifest import chosen, read_manifest

        folder = self.folder or (MODELS if MODELS.is_dir() else REPOSITORY / MODELS)
        manifest = read_manifest(REPOSITORY / MODELS / "manifest.yaml")
        if self.action in ("get", "trust") and not self.names:
            raise InputError(f"Name the weights to {self.action}; `understudy models list` shows what there is.")
        if self.trust and self.action != "get":
            raise InputError("--trust is for get; `understudy models trust NAME` vouches for a file that is there.")
        if self.action == "trust":
            self._vouch(manifest, folder)
        elif self.action == "list":
            self._list(chosen(manifest, self.names), folder)
        elif self.action == "get":
            self._fetch(chosen(manifest, self.names), folder)
        else:
            from understudy.weights.check import check_weights

            lines, others = check_weights(chosen(manifest, self.names), folder)
            print_text("".join(f"{line}\n" for line in lines))
            if others:
                raise InputError(f"{', '.join(others)}: not the files that are known by these names; fetch them again.")

    def _list(self, entries: "dict[str, Weights]", folder: Path) -> None:
        from rich.table import Column, Table
        from rich.text import Text

        from understudy.weights.check import state_of

        table = Table(Column("name", no_wrap=True), "there", "MB", Column("for", no_wrap=True))
        for name, entry in entries.items():
            there = state_of(entry, folder) if (folder / entry.file).is_file() else ""
            size = "" if entry.size_mb is None else f"{entry.size_mb:g}"
            cells = (name, there, size, "\n".join(entry.used_by))
            table.add_row(*(Text(printable(cell)) for cell in cells))
        print_table(table)
        for name, entry in entries.items():
            print_text(one_line(f"{name} ({entry.licence}): {entry.url or entry.how or 'no source'}") + "\n")

    def _fetch(self, entries: "dict[str, Weights]", folder: Path) -> None:
        """Fetch them all, also where one of them cannot be had."""
        from understudy.weights.check import UNVERIFIED, state_of
        from understudy.weights.fetch import fetch_weights

        failed = []
        for name, entry in entries.items():
            try:
                path = fetch_weights(name, entry, folder, self.trust)
            except InputError as error:
                failed.append(str(error))
            else:
                state = state_of(entry, folder)
                print_text(f"{name}: {path}, {state}, {entry.licence}\n")
                if state == UNVERIFIED:
                    warn(
                        [f"there is no trusted checksum for {path}; `understudy models trust {name}` says that you do."]
                    )
        if failed:
            warn(failed[:-1])
            raise InputError(failed[-1])

    def _vouch(self, manifest: "dict[str, Weights]", folder: Path) -> None:
        from understudy.weights.check import OTHER, VERIFIED, state_of, trust

        for name in self.names:
            entry = manifest.get(name)
            file = Path(name) if entry is None else folder / entry.file
            if not file.is_file():
                raise InputError(f"{file}: no such file; name weights as `understudy models list` does, or a file.")
            state = None if entry is None else state_of(entry, folder)
            if entry is not None and entry.sha256 is not None and state == OTHER:
                raise InputError(
                    f"{file} is another file than its publisher's, whose checksum models/manifest.yaml names; if you want it"
                    " all the same, give it another name."
                )
            digest = "by its publisher" if state == VERIFIED else f"by you (SHA-256 {trust(file, folder)})"
            print_text(f"{file} is vouched for {digest}\n")
