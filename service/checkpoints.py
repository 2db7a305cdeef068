"""Checkpoints: how many transfers the log holds and the root over them, signed with Ed25519.

As text, in the form that transparency logs share (C2SP: tlog-checkpoint, signed-note), so that their tools read it:

    tanhui/transfers/<8 hexadecimal digits of the key's digest>
    <size>
    <root, base64>

    — <name> <base64 of 4 bytes that name the key and the signature>

The name is the first line. It is made from the key, so that two deployments' logs never go by one name.
A public key is written `<name>+<8 hexadecimal digits that name the key>+<base64>`.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.config import Config
from service.i18n import mark

ED25519 = b"\x01"
LARGEST = 2**63


class Untrue(Exception):
    """What does not hold. The message is a Chinese text from the catalog and the values named in it."""

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text, values)
        self.text, self.values = text, values


class Checkpoint(NamedTuple):
    """A tree of `size` leaves with that root."""

    size: int
    root: bytes


class Verifier(NamedTuple):
    """A key to check signatures by."""

    name: str
    key_id: bytes
    key: Ed25519PublicKey


def private_key(config: Config) -> Ed25519PrivateKey:
    """The deployment's key for the log, derived from its master secret."""
    return Ed25519PrivateKey.from_private_bytes(config.key("transfer log"))


def log_name(public: bytes) -> str:
    """The name of the log that is signed with this key."""
    return f"tanhui/transfers/{sha256(public).hexdigest()[:8]}"


def key_id(name: str, public: bytes) -> bytes:
    """Four bytes that name a key beside its signatures."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def public_key(config: Config) -> str:
    """The deployment's public key, as `read_key` reads it."""
    public = private_key(config).public_key().public_bytes_raw()
    name = log_name(public)
    return f"{name}+{key_id(name, public).hex()}+{b64encode(ED25519 + public).decode()}"


def sign(config: Config, checkpoint: Checkpoint) -> str:
    """The checkpoint as a signed note."""
    key = private_key(config)
    public = key.public_key().public_bytes_raw()
    name = log_name(public)
    text = f"{name}\n{checkpoint.size}\n{b64encode(checkpoint.root).decode()}\n"
    signature = b64encode(key_id(name, public) + key.sign(text.encode())).decode()
    return f"{text}\n— {name} {signature}\n"


def read_key(text: str) -> Verifier:
    """A public key as it is written. Raises Untrue."""
    try:
        name, hexadecimal, encoded = text.strip().split("+", 2)
        kind_and_key = b64decode(encoded, validate=True)
        if not name or kind_and_key[:1] != ED25519 or key_id(name, kind_and_key[1:]).hex() != hexadecimal:
            raise ValueError
        return Verifier(name, bytes.fromhex(hexadecimal), Ed25519PublicKey.from_public_bytes(kind_and_key[1:]))
    except ValueError:
        raise Untrue(mark("公钥无法读懂。")) from None


def open_note(note: str, verifier: Verifier) -> str:
    """The text of a signed note, without its signatures. Raises Untrue unless this key has signed it."""
    text, found, signatures = note.rpartition("\n\n")
    if not found or not note.endswith("\n"):
        raise Untrue(mark("检查点无法读懂。"))
    text += "\n"
    start = f"— {verifier.name} "
    for line in signatures.splitlines():
        if line.startswith(start) and is_signed(text, line.removeprefix(start), verifier):
            return text
    raise Untrue(mark("检查点没有这把公钥的有效签名。"))


def is_signed(text: str, encoded: str, verifier: Verifier) -> bool:
    """Whether a note's signature is by this key, and is of this text."""
    try:
        signature = b64decode(encoded, validate=True)
        if signature[:4] != verifier.key_id:
            return False
        verifier.key.verify(signature[4:], text.encode())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def read_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """What a signed checkpoint says. Raises Untrue when it is not of this key's log, or not signed by it."""
    lines = open_note(note, verifier).split("\n")
    try:
        origin, size, root = lines[:3]
        checkpoint = Checkpoint(int(size), b64decode(root, validate=True))
    except ValueError:
        raise Untrue(mark("检查点无法读懂。")) from None
    if size != str(checkpoint.size) or not 0 <= checkpoint.size < LARGEST or len(checkpoint.root) != 32:
        raise Untrue(mark("检查点无法读懂。"))
    if origin != verifier.name:
        raise Untrue(mark("检查点属于另一份日志。"))
    return checkpoint
