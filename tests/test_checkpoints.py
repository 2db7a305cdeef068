"""Checkpoints: signed notes as other tools of transparency logs write and read them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256

import pytest

from service.checkpoints import (
    Checkpoint,
    Untrue,
    key_id,
    open_note,
    private_key,
    public_key,
    read_checkpoint,
    read_key,
    sign,
)
from service.config import Config

CONFIG = Config(database_url="", redis_url="", secret=b"test" * 8)
ROOT = sha256(b"root").digest()
KEY = read_key(public_key(CONFIG))
NOTE = sign(CONFIG, Checkpoint(7, ROOT))

# The example of Go's golang.org/x/mod/sumdb/note, which the form comes from.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SAYING = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_of_another_tool_is_read() -> None:
    assert open_note(f"{SAYING}\n{SIGNATURE}", read_key(NEUMANN)) == SAYING
    with pytest.raises(Untrue):
        open_note(f"{SAYING.replace('your', 'our')}\n{SIGNATURE}", read_key(NEUMANN))


def test_a_signed_checkpoint_says_what_was_signed() -> None:
    assert read_checkpoint(NOTE, KEY) == Checkpoint(7, ROOT)
    lines = NOTE.split("\n")
    assert lines[:4] == [KEY.name, "7", b64encode(ROOT).decode(), ""]
    assert NOTE.endswith("\n")
    assert len(lines) == 6


def test_signatures_of_others_beside_ours_do_no_harm() -> None:
    text, _, own = NOTE.rpartition("\n\n")
    assert read_checkpoint(f"{text}\n\n{SIGNATURE}{own}", KEY) == Checkpoint(7, ROOT)
    with pytest.raises(Untrue, match="签名"):
        read_checkpoint(f"{text}\n\n{SIGNATURE}", KEY)


@pytest.mark.parametrize(
    "changed",
    [
        NOTE.replace("\n7\n", "\n8\n"),
        NOTE.replace(b64encode(ROOT).decode(), b64encode(sha256(b"other").digest()).decode()),
        NOTE.replace(KEY.name, KEY.name + "x", 1),
        NOTE.replace("— ", "- "),
        NOTE[:-10] + NOTE[-9:],
        NOTE[:-1],
        NOTE.partition("\n\n")[0],
        "",
        "\n\n",
    ],
)
def test_a_changed_note_is_not_believed(changed: str) -> None:
    with pytest.raises(Untrue):
        read_checkpoint(changed, KEY)


def test_a_note_under_another_secret_is_not_believed() -> None:
    other = Config(database_url="", redis_url="", secret=b"else" * 8)
    assert public_key(other) != public_key(CONFIG)
    with pytest.raises(Untrue):
        read_checkpoint(sign(other, Checkpoint(7, ROOT)), KEY)


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY.name}\n07\n{b64encode(ROOT).decode()}\n",
        f"{KEY.name}\n-1\n{b64encode(ROOT).decode()}\n",
        f"{KEY.name}\nseven\n{b64encode(ROOT).decode()}\n",
        f"{KEY.name}\n7\n{b64encode(ROOT[:31]).decode()}\n",
        f"{KEY.name}\n7\n",
        f"another/log\n7\n{b64encode(ROOT).decode()}\n",
    ],
)
def test_what_is_signed_but_no_checkpoint_of_this_log_is_not_taken_for_one(text: str) -> None:
    public = b64decode(public_key(CONFIG).split("+", 2)[2])[1:]
    signature = b64encode(key_id(KEY.name, public) + private_key(CONFIG).sign(text.encode())).decode()
    note = f"{text}\n— {KEY.name} {signature}\n"
    assert open_note(note, KEY) == text
    with pytest.raises(Untrue):
        read_checkpoint(note, KEY)


@pytest.mark.parametrize("text", ["", "a+b", "a+b+c", NEUMANN.replace("c74f", "c74e"), NEUMANN[:-4], NEUMANN + "+x"])
def test_a_public_key_that_cannot_be_one_is_refused(text: str) -> None:
    with pytest.raises(Untrue):
        read_key(text)
