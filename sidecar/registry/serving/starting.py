"""From settings to parts; all that stands in the way of a start is told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from sidecar.bundles.invalid import KeyInvalid
from sidecar.bundles.signing import VerifyingKey
from sidecar.consent.jwks import KeySetError
from sidecar.consent.keys import open_keys
from sidecar.consent.pseudonym import load_pseudonyms
from sidecar.model.clock import SystemClock
from sidecar.policy.compiling import find_compiler
from sidecar.policy.examine import Examiner
from sidecar.policy.problems import PolicyProblems
from sidecar.registry.access.jwt_tokens import ALGORITHMS, JwtTokens
from sidecar.registry.access.token_file import FileTokens, TokenFileInvalid
from sidecar.registry.shelf import signing_key
from sidecar.registry.store import database
from sidecar.registry.store.registry import Registry
from sidecar.serving import bind_port
from sidecar.tls_files import TlsFiles, TlsFilesInvalid

if TYPE_CHECKING:
    import socket
    from contextlib import AsyncExitStack
    from pathlib import Path

    from sqlalchemy import Engine

    from sidecar.bundles.signing import SigningKey
    from sidecar.consent.pseudonym import Pseudonyms
    from sidecar.model.clock import Clock
    from sidecar.registry.access.callers import Verifier
    from sidecar.registry.serving.settings import RegistrySettings


class StartProblems(Exception):
    """What an operator must mend before the registry can serve. Exit code 2."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Prepared:
    """The parts that come out of files and settings."""

    registry: Registry
    key: SigningKey
    bound: socket.socket
    tls: TlsFiles | None
    verifiers: tuple[Verifier, ...]
    pseudonyms: Pseudonyms | None
    examiner: Examiner | None


async def prepare(settings: RegistrySettings, stack: AsyncExitStack) -> Prepared:
    """All parts, closed with `stack`; raises `StartProblems` with what is wrong with each."""
    clock = SystemClock()
    problems: list[str] = []
    verifiers = await _verifiers(settings, stack, clock, problems)
    pseudonyms = _pseudonyms(settings.subject_key, problems)
    examiner = _examiner(settings.policy_key, problems)
    bound = bind_port("--listen", settings.listen.host, settings.listen.port, stack, problems)
    tls = _tls(settings, problems)
    # Last, for where all else is well these two make the files that are not there.
    key = _key(settings, problems)
    engine = _engine(settings, stack, problems)
    if problems or engine is None or key is None or bound is None:
        raise StartProblems(problems)
    registry = Registry(engine, clock, token_life_s=settings.token_life)
    return Prepared(registry, key, bound, tls, verifiers, pseudonyms, examiner)


def _engine(settings: RegistrySettings, stack: AsyncExitStack, problems: list[str]) -> Engine | None:
    """A fresh SQLite file gets its tables here; any other database is migrated by its own verb, on purpose."""
    file = settings.database_file
    try:
        if file is not None and not file.exists():
            if problems:
                return None
            database.migrate(settings.database)
        engine = database.open_engine(settings.database)
    except (database.DatabaseUnfit, DBAPIError) as error:
        problems.append(f"--database: {error}")
        return None
    stack.callback(engine.dispose)
    return engine


def _key(settings: RegistrySettings, problems: list[str]) -> SigningKey | None:
    file = settings.signing_key_file
    if file is None:
        return None
    try:
        if settings.signing_key or file.exists():
            return signing_key.load(file)
        return None if problems else signing_key.load_or_make(file)
    except OSError as error:
        problems.append(
            f"--signing-key: {file}: {error.strerror}; `openssl ecparam -name prime256v1 -genkey -noout` makes one"
        )
    except KeyInvalid as error:
        problems.append(f"--signing-key: {file}: {error}")
    return None


async def _verifiers(
    settings: RegistrySettings, stack: AsyncExitStack, clock: Clock, problems: list[str]
) -> tuple[Verifier, ...]:
    verifiers: list[Verifier] = []
    if settings.tokens is not None:
        try:
            verifiers.append(FileTokens(settings.tokens, clock))
        except TokenFileInvalid as invalid:
            problems.extend(f"--tokens: {problem}" for problem in invalid.problems)
    if settings.token_keys is not None:
        try:
            keys = open_keys(settings.token_keys, ALGORITHMS, clock)
            stack.push_async_callback(keys.aclose)
            await keys.load()
        except KeySetError as error:
            problems.extend(f"--token-keys: {problem}" for problem in error.problems)
        except ValueError as error:
            problems.append(f"--token-keys: {error}")
        else:
            issuer, audience = settings.token_issuer or "", settings.token_audience or ""
            verifiers.append(JwtTokens(keys, issuer=issuer, audience=audience, clock=clock))
    return tuple(verifiers)


def _pseudonyms(path: Path | None, problems: list[str]) -> Pseudonyms | None:
    """Never a new key: under one that no sidecar has, revocations by name would refuse nobody."""
    if path is None:
        return None
    try:
        path.stat()
        return load_pseudonyms(path)
    except (OSError, ValueError) as error:
        problems.append(f"--subject-key: {error}; copy the one that the sidecars have")
        return None


def _examiner(path: Path | None, problems: list[str]) -> Examiner | None:
    if path is None:
        return None
    try:
        return Examiner(find_compiler(), VerifyingKey(path.read_bytes()))
    except OSError as error:
        problems.append(f"--policy-key: {path}: {error.strerror}")
    except (KeyInvalid, PolicyProblems) as error:
        problems.append(f"--policy-key: {path}: {error}")
    return None


def _tls(settings: RegistrySettings, problems: list[str]) -> TlsFiles | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    try:
        return TlsFiles(settings.tls_cert, settings.tls_key)
    except TlsFilesInvalid as invalid:
        problems.append(f"--tls-cert: {invalid}")
        return None
