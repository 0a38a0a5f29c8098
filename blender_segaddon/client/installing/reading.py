"""What the output of pip and of downloads says: how far they are, and why they failed."""

from __future__ import annotations

import re

_RAW = re.compile(r"^\s*Progress (\d+) of (\d+)")
_AMOUNTS = re.compile(r"([\d.]+) (kB|MB|GB) of ([\d.]+) (kB|MB|GB)(.*)")
_NAMED = re.compile(
    r"^\s*(?:Collecting|Downloading|Using cached|Requirement already satisfied:) ([A-Za-z][\w.-]*?)(?:[-=]\d|\s|$)"
)
_UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}
_NEARLY = 0.97
"""As far as estimates go: the end is reached when the program ends."""
_WRITING = 0.7
"""As far as a program mostly is when all is downloaded."""
_SPACE = "Free some space, then choose Repair"
_CAUSES = (
    (r"No space left on device|\[Errno 28\]|not enough space on the disk|WinError 112", "The disk is full", _SPACE),
    (
        r"DO NOT MATCH THE HASHES",
        "A package is not the one that this version of the add-on was made with",
        "Choose Repair; if it stays so, do not trust the package index that pip is set to",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "The package index shows a certificate that this machine does not trust",
        "Behind a company's proxy set pip's 'cert' to its certificate: pip config set global.cert FILE",
    ),
    (
        r"ProxyError|407 Proxy",
        "The proxy does not let the download through",
        "Set pip's proxy with its name and password: pip config set global.proxy http://name:password@host:port",
    ),
    (
        r"Failed to establish a new connection|Name or service not known|name resolution|getaddrinfo failed"
        r"|ReadTimeout|Read timed out|Connection refused|connection broken|dns error|error sending request",
        "The package index cannot be reached",
        "Connect to the network, or set pip's index-url to a mirror, then choose Repair",
    ),
    (
        r"ensurepip is not available|No module named ensurepip",
        "This Python cannot make environments",
        "Install the package python3-venv, or Python from python.org",
    ),
    (r"Permission denied|\[Errno 13\]|Access is denied", "The folder cannot be written", "Choose another folder"),
)
_MISSING = re.compile(r"No matching distribution found for (\S+)")


def explained(output: str) -> tuple[str, str]:
    """(what is wrong, what to do) of a program's last lines; ("", "") where that is not known."""
    for pattern, message, hint in _CAUSES:
        if re.search(pattern, output):
            return message, hint
    missing = _MISSING.search(output)
    if missing:
        return (
            f"The package index has no {missing[1]} for this machine",
            "Choose another accelerator or another source of torch",
        )
    return "", ""


class Reader:
    """Follows one program's output. Written by one thread, read by another: plain values alone.

    Args:
        total: bytes that it downloads, about; 0: not known.
        packages: packages that it gets; 0: not known.
    """

    def __init__(self, total: float = 0.0, packages: int = 0) -> None:
        self._total, self._packages = total, packages
        self._files, self._seen = 0.0, 0
        self.fraction = 0.0
        """0 .. 1 of this program"""
        self.detail = ""
        """for people: which package, how many bytes of how many"""
        self._name = ""

    def take(self, line: str) -> bool:
        """Take note of a line; whether it was progress alone, which belongs into no log."""
        raw = _RAW.match(line) if self._total else None
        if raw:
            self._bytes(int(raw[1]), int(raw[2]))
            return True
        amounts = _AMOUNTS.search(line) if self._total else None
        if amounts:
            done, size = (float(amounts[k]) * _UNITS[amounts[k + 1]] for k in (1, 3))
            self.fraction = min(done / size, 1.0) if size else 0.0
            self.detail = f"{amounts[1]} {amounts[2]} of {amounts[3]} {amounts[4]}{amounts[5].rstrip()}"
            return True
        named = _NAMED.match(line)
        if named:
            self._package(named[1])
        elif line.startswith("Installing collected packages"):
            self.fraction, self.detail = max(self.fraction, _WRITING), "writing files"
        return False

    def _bytes(self, done: int, size: int) -> None:
        if self._total:
            self.fraction = min((self._files + done) / self._total, _NEARLY)
        self.detail = f"{self._name} {done / 1e6:.0f} of {size / 1e6:.0f} MB".strip()
        if done >= size:
            self._files += size

    def _package(self, name: str) -> None:
        if name != self._name:
            self._name, self._seen = name, self._seen + 1
        if self._packages and not self._total:
            self.fraction = min(_WRITING * self._seen / self._packages, _WRITING)
        self.detail = name
