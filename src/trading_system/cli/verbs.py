"""A group of commands that loads a command's file only when it is used."""

import keyword
import pkgutil
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import click


class Verbs(click.Group):
    """A group that knows its verbs by name and imports one only to run it.

    Args:
        package: Where each verb has a file of its name, with a `command` in it. A dash becomes an underscore, and a
            word of Python's own gets one at its end.
        verbs: Each verb with its line of help, in the order in which they are listed.
        title: What stands above the list.
    """

    def __init__(
        self, *args: Any, package: str, verbs: Mapping[str, str], title: str = "Verbs", **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._package, self._verbs, self._title = package, verbs, title

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs whose file exists, in the order of the table."""
        return [verb for verb in self._verbs if find_spec(self._module(verb))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import `cmd_name` and return its command, or None where there is no such verb."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = pkgutil.resolve_name(f"{self._module(cmd_name)}:command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs and their lines of help without importing any of them."""
        with formatter.section(self._title):
            formatter.write_dl([(verb, self._verbs[verb]) for verb in self.list_commands(ctx)])

    def _module(self, verb: str) -> str:
        name = verb.replace("-", "_")
        return f"{self._package}.{name}{'_' if keyword.iskeyword(name) else ''}"
