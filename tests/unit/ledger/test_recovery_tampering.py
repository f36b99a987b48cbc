"""What a start does about a log that somebody changed: it names what is wrong, and leaves the evidence as it is."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sidecar.ledger.checkpoint import Checkpoint, sign_checkpoint
from sidecar.ledger.founding import LedgerRefused
from sidecar.ledger.frames import frame
from sidecar.ledger.note import Signer
from sidecar.ledger.reading import entries
from sidecar.ledger.segments import Header, read_header, segment_files
from tests.unit.ledger.logs import Log, assert_refused, grown, root_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def rewrite(path: Path, change: Callable[[int, bytes], bytes], header: Header | None = None) -> None:
    """A forger's work: each record changed, under frames and a header that are in order."""
    old = read_header(path)
    content = (header or old).pack()
    root = path.parent.parent
    for entry in entries(root, old.first):
        if entry.segment == path:
            content += frame(entry.sequence, entry.sequence, change(entry.sequence, entry.record))
    path.write_bytes(content)


def _forget_checkpoint(log: Log) -> str:
    segment_files(log.layout.ledger_dir)[0].unlink()
    log.layout.checkpoint.unlink()
    return "checkpoint is missing"


def _alter_signed_record(log: Log) -> str:
    size = log.notary.signed_size
    path = [each for each in segment_files(log.layout.ledger_dir) if read_header(each).first < size][-1]
    lost = size - 1
    rewrite(path, lambda sequence, record: record.replace(b"xx", b"xy", 1) if sequence == lost else record)
    return f"the first {size} records are not those that were signed"


def _alter_a_record_signed_before_the_newest_segment(log: Log) -> str:
    """Of what came after that checkpoint only the tiles reached the disk: the newest segment's tree is there."""
    *_, path, newest = segment_files(log.layout.ledger_dir)
    size = int(newest.stem) - 1
    checkpoint = Checkpoint(log.ledger.signer.name, size, root_of(log.records[:size]))
    log.layout.checkpoint.write_bytes(sign_checkpoint(checkpoint, log.ledger.signer))
    rewrite(path, lambda sequence, record: record.replace(b"xx", b"xy", 1) if sequence == size - 1 else record)
    return f"the first {size} records are not those that were signed"


def _remove_signed_records(log: Log) -> str:
    size = log.notary.signed_size
    path = [each for each in segment_files(log.layout.ledger_dir) if read_header(each).first < size][-1]
    for later in segment_files(log.layout.ledger_dir):
        if later.name > path.name:
            later.unlink()
    begin = next(entry.offset for entry in entries(log.layout.ledger_dir) if entry.sequence == size - 1)
    path.write_bytes(path.read_bytes()[:begin])
    return f"{size} records were signed, and only {size - 1} are there"


def _remove_newest_segments(log: Log) -> str:
    _, *others = segment_files(log.layout.ledger_dir)
    for path in others:
        path.unlink()
    size = int(others[0].stem)
    return f"{log.notary.signed_size} records were signed, and only {size} are there"


def _remove_all_records(log: Log) -> str:
    shutil.rmtree(log.layout.ledger_dir / "records")
    return f"{log.notary.signed_size} records"


def _remove_all_records_and_the_checkpoint(log: Log) -> str:
    shutil.rmtree(log.layout.ledger_dir / "records")
    log.layout.checkpoint.unlink()
    return f"{log.layout.checkpoint} is missing, though {log.layout.ledger_dir / 'tile'} is there"


def _remove_all_but_a_segment_beyond_what_was_signed(log: Log) -> str:
    """A forger's segment that begins later, and tiles that fit: nothing signed speaks against its header."""
    size = log.notary.signed_size
    for path in segment_files(log.layout.ledger_dir):
        path.unlink()
    header = Header(log.ledger.log_id, size + 1, size + 1, bytes(32))
    log.layout.segment(size + 1).write_bytes(header.pack())
    return f"{size} records were signed, and the oldest that is there is {size + 1}"


def _remove_a_segment_between(log: Log) -> str:
    log.layout.segment(int(segment_files(log.layout.ledger_dir)[-1].stem)).rename(
        log.layout.ledger_dir / "records" / f"{999:020}.seg"
    )
    return "the header says that it begins with record"


def _splice_in_an_older_segment(log: Log) -> str:
    oldest, *_, newest = segment_files(log.layout.ledger_dir)
    newest.write_bytes(oldest.read_bytes())
    return "the header says that it begins with record 0"


def _splice_in_another_logs_segment(log: Log) -> str:
    newest = segment_files(log.layout.ledger_dir)[-1]
    header = read_header(newest)
    rewrite(newest, lambda _, record: record, Header("f" * 32, header.first, header.keep_from, header.root))
    return "of the log "


def _forge_a_header(log: Log) -> str:
    newest = segment_files(log.layout.ledger_dir)[-1]
    header = read_header(newest)
    rewrite(newest, lambda _, record: record, Header(header.log_id, header.first, header.keep_from, bytes(32)))
    return "the segment does not continue the one before"


def _alter_the_checkpoint(log: Log) -> str:
    note = log.layout.checkpoint.read_bytes()
    log.layout.checkpoint.write_bytes(note.replace(b"\n%d\n" % log.notary.signed_size, b"\n1\n"))
    return "is not good"


def _sign_with_an_unknown_key(log: Log) -> str:
    signer = Signer(log.ledger.signer.name, Ed25519PrivateKey.generate())
    checkpoint = Checkpoint(signer.name, log.notary.signed_size, log.appender.tree.root())
    log.layout.checkpoint.write_bytes(sign_checkpoint(checkpoint, signer))
    return "no known key"


def _another_log(log: Log) -> Log:
    """Of the same key, which therefore is known."""
    folder = log.layout.slot_dir.parent.parent / "other"
    folder.mkdir()
    shutil.copy(folder.parent / "audit.key", folder)
    other = Log(folder)
    other.commit(100)
    other.sign()
    other.close()
    public_file = folder.parent / "audit.pub"
    public_file.write_bytes(public_file.read_bytes() + f"{other.ledger.signer.vkey}\n".encode())
    return other


def _put_another_logs_checkpoint(log: Log) -> str:
    other = _another_log(log)
    shutil.copy(other.layout.checkpoint, log.layout.checkpoint)
    return f"the checkpoint is one of {other.ledger.signer.name}, not of {log.ledger.signer.name}"


def _put_another_logs_identity(log: Log) -> str:
    other = _another_log(log)
    shutil.copy(other.layout.identity, log.layout.identity)
    return f"the checkpoint is one of {log.ledger.signer.name}, not of {other.ledger.signer.name}"


def _put_another_logs_identity_and_checkpoint(log: Log) -> str:
    other = _another_log(log)
    for path in (other.layout.identity, other.layout.checkpoint):
        shutil.copy(path, log.layout.ledger_dir)
    return f"it is of the log {log.ledger.log_id}"


def _remove_the_identity(log: Log) -> str:
    log.layout.identity.unlink()
    return f"{log.layout.identity} is missing, though {log.layout.checkpoint} is there"


def _remove_all_but_the_records(log: Log) -> str:
    log.layout.identity.unlink()
    log.layout.checkpoint.unlink()
    shutil.rmtree(log.layout.ledger_dir / "tile")
    return f"{log.layout.identity} is missing, though {segment_files(log.layout.ledger_dir)[0]} is there"


def _sign_another_tree(log: Log) -> str:
    checkpoint = Checkpoint(log.ledger.signer.name, log.notary.signed_size, bytes(32))
    log.layout.checkpoint.write_bytes(sign_checkpoint(checkpoint, log.ledger.signer))
    return f"the first {log.notary.signed_size} records are not those that were signed"


def _alter_the_identity(log: Log) -> str:
    log.layout.identity.write_bytes(log.layout.identity.read_bytes().replace(b"a-host", b"b-host"))
    return f"{log.layout.identity}: the signature of {log.ledger.signer.name}"


SPOILS = [
    _forget_checkpoint,
    _alter_signed_record,
    _alter_a_record_signed_before_the_newest_segment,
    _remove_signed_records,
    _remove_newest_segments,
    _remove_all_records,
    _remove_all_records_and_the_checkpoint,
    _remove_all_but_a_segment_beyond_what_was_signed,
    _remove_a_segment_between,
    _splice_in_an_older_segment,
    _splice_in_another_logs_segment,
    _forge_a_header,
    _alter_the_checkpoint,
    _sign_with_an_unknown_key,
    _put_another_logs_checkpoint,
    _put_another_logs_identity,
    _put_another_logs_identity_and_checkpoint,
    _remove_the_identity,
    _remove_all_but_the_records,
    _sign_another_tree,
    _alter_the_identity,
]


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__.strip("_"))
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "killed"])
def test_a_log_that_was_tampered_with_is_refused_by_name_and_left_alone(
    tmp_path: Path, spoil: Callable[[Log], str], is_closed: bool
) -> None:
    log = grown(tmp_path)
    log.close() if is_closed else log.kill()
    assert_refused(tmp_path, spoil(log))


def test_the_refusal_tells_what_to_do(tmp_path: Path) -> None:
    log = grown(tmp_path)
    log.close()
    _forget_checkpoint(log)
    with pytest.raises(
        LedgerRefused, match=r"`sidecar audit verify` tells more\. Keep the folder as evidence, and start"
    ):
        Log(tmp_path)
