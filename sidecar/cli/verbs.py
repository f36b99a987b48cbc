"""A command whose verbs are files of one package, each loaded only when it is called."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class Verbs(click.Group):
    """Loads `<package>.<verb>` on use, so that help needs none of them and a verb none of the others.

    A verb that no file can be named like has a file all the same: `refresh_means` of `refresh-means`, `import_` of
    `import`.
    """

    def __init__(self, *arguments: Any, package: str, verbs: Mapping[str, str], **options: Any) -> None:
        """`verbs`: what help says of each, in the order in which it tells them. The rest is click's."""
        super().__init__(*arguments, **options)
        self._package = package
        self._verbs = dict(verbs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click."""
        if cmd_name not in self._verbs:
            return None
        command: click.Command = import_module(f"{self._package}.{_file_of(cmd_name)}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click, which would load every verb for its help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._verbs.items()))


class FindingVerbs(Verbs):
    """Verbs whose exit code 1 is a finding: whatever else ends one has another code, so that a script can tell."""

    def invoke(self, ctx: click.Context) -> object:
        """Runs a verb."""
        try:
            result: object = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)
        except BrokenPipeError:  # the reader has seen enough: `| head`
            _drop_output()
            sys.exit(128 + signal.SIGPIPE)
        except (OSError, subprocess.TimeoutExpired) as error:
            _drop_output()
            click.echo(f"sidecar: {error}", err=True)
            sys.exit(2)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception:
            traceback.print_exc()  # a defect of ours: all of it is wanted
            sys.exit(2)
        return result


def _drop_output() -> None:
    """What is still to be written goes nowhere, or the interpreter fails on it at its end."""
    with suppress(OSError):  # it is no file: then nothing of it is left over
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _file_of(verb: str) -> str:
    name = verb.replace("-", "_")
    return f"{name}_" if iskeyword(name) else name
