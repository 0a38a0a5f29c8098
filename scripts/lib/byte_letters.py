"""The alphabet of byte-level vocabularies."""

from __future__ import annotations


def byte_letters() -> list[str]:
    """The letter of each byte in a byte-level vocabulary, as GPT-2 has it: printable ones stand for themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    letter = {byte: chr(byte) for byte in printable} | {byte: chr(256 + k) for k, byte in enumerate(others)}
    return [letter[byte] for byte in range(256)]
