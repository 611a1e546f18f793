"""Good answers of Zoho's: the simulator's own, for orgs of every kind."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from tests.core.build import company, job, row
from tests.support.clock import START, FakeClock
from tests.support.zoho import make_simulator
from zbtui.demo.accounts import self_client
from zbtui.demo.answers import Answer, Call, Site
from zbtui.demo.grants import issue_token

CALLS = ("details", "history", "links", "company")
ORGS = ("nordlys", "fjord", "tamarind")


@lru_cache(maxsize=1)
def answers() -> dict[str, tuple[bytes, ...]]:
    """By call: status and body of each, as `answer_of` reads them; and of a token's request."""
    simulator = make_simulator(FakeClock())
    found: dict[str, list[bytes]] = {name: [] for name in (*CALLS, "token")}
    for name in ORGS:
        org = simulator.world.every[name]
        site, client = Site(org.data_center), self_client(org)
        form = {
            "client_id": client.client_id,
            "client_secret": client.secret_at(org.data_center),
            "grant_type": "refresh_token",
            "refresh_token": org.refresh_token,
        }
        token = issue_token(simulator, Call(site, "POST", form=form))[0]
        found["token"].append(_whole(token))
        access = f"Zoho-oauthtoken {json.loads(token.body)['access_token']}"
        for call in CALLS:
            found[call].append(_whole(getattr(simulator, call)(Call(site, "GET", authorization=access))[0]))
    return {call: tuple(dict.fromkeys(whole)) for call, whole in found.items()}


def scene() -> dict[str, Any]:
    """All that is known of one org, and how it is looked at."""
    return {
        "name": "acme",
        "tags": ["prod"],
        "find": 'dc:eu !"old ones"',
        "width": 76,
        "later": 60,
        "status": 200,
        "details": {"backup": job()},
        "history": {
            "history": [
                row("completed", START, file_name="Data_001.zip"),
                row("initiated", START),
                row("purchased", None, count=2),
                row("stopped", START),
            ],
            "info": {"more_records": False},
        },
        "urls": {
            "urls": {
                "data_links": ["https://download.example/1"],
                "attachment_links": [],
                "expiry_date": "2026-11-25T09:30:00+01:00",
            }
        },
        "org": {"org": [company().as_dict()]},
        "refused": {"code": "NO_PERMISSION", "message": "no", "status": "error", "details": {}},
    }


def _whole(answer: Answer) -> bytes:
    return b"%d\n%s" % (answer.status, answer.body)
