"""Wrong requests by the thousand, as many as 90 seconds allow; ``python -m scripts.fuzz`` sends more."""

from __future__ import annotations

from scripts import fuzz

REQUESTS = 5000
SECONDS = 90.0
"""On two quiet cores all of them are sent in a quarter of this time; on busy ones fewer."""


def test_wrong_requests_do_no_harm():
    report = fuzz.run(REQUESTS, SECONDS)
    assert not report.findings
    assert report.sent > REQUESTS // 20
    assert report.from_schema > 20
    refused = [count for name, count in report.statuses.items() if name.endswith(" 400")]
    assert sum(refused) > report.sent // 3
