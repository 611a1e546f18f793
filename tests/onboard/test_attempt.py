"""Signing in: from what a person types to an org under watch, each way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.onboard.home import (
    COMMENTED,
    DETAILS_PATH,
    GRANTING,
    ORG_PATH,
    Home,
    refused,
    token_of,
)
from zbtui.core.company import Company
from zbtui.core.explain import BACKUP_SCOPE
from zbtui.core.org import WAYS, Way, grant_of
from zbtui.core.progress import Asking, BrowserPage, DeviceCode
from zbtui.core.secret import Secret, SignIn
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.onboard.attempt import Found
from zbtui.store.memory import FOREIGN_ENTRY


async def look(home: Home, way: Way = "refresh-token") -> Found:
    """A sign-in that is not kept yet."""
    typed = home.typed(way)
    return await home.sign_in(home.begin(typed), typed)


# A good end


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_ends_in_config_keyring_and_journal(home: Home, way: Way) -> None:
    typed = home.typed(way)
    await home.add(way)
    (org,) = home.orgs
    assert org == replace(typed.org, grant=grant_of(way))
    sign_in, access = home.keyring.entries["heron"]
    assert sign_in is not None
    assert sign_in.client_secret == Secret(typed.secret)
    assert access is not None
    assert access.is_good(home.clock.now())
    assert access.api_url == "https://www.zohoapis.eu"
    known = home.journal.load([org])["heron"]
    assert known.company_name == "Heron Lake Instruments"
    assert known.zoho.backup is not None
    assert known.zoho.backup.status == "SCHEDULED"


@pytest.mark.parametrize("way", GRANTING)
async def test_what_zoho_grants_is_what_is_kept(home: Home, way: Way) -> None:
    await home.add(way)
    assert home.living(way) == [token_of(home.keyring.sign_ins["heron"])]


async def test_a_pasted_refresh_token_is_kept_as_it_is(home: Home) -> None:
    typed = home.typed()
    await home.add()
    assert home.keyring.sign_ins["heron"] == SignIn(Secret(typed.secret), Secret(typed.answer or ""))


async def test_client_credentials_need_no_refresh_token(home: Home) -> None:
    await home.add("client-credentials")
    assert home.keyring.sign_ins["heron"].refresh_token is None


@pytest.mark.parametrize("way", WAYS)
async def test_before_it_is_kept_nothing_is(home: Home, way: Way) -> None:
    before = home.state
    found = await look(home, way)
    assert home.state == before
    assert found.org.name == "heron"
    assert found.looked is not None
    assert isinstance(found.company, Company)
    assert (found.company.name, found.company.number) == ("Heron Lake Instruments", "00000900001")


async def test_no_secret_goes_into_config_or_journal(home: Home) -> None:
    await home.add("code", "heron")
    await home.add("refresh-token", "nordlys")
    written = f"{home.text}{home.rows('snapshot')}{home.rows('lockout')}{home.rows('token_request')}"
    assert "demo-" not in written


@pytest.mark.parametrize("way", WAYS)
async def test_no_secret_shows_in_what_is_found_or_in_who_found_it(home: Home, way: Way) -> None:
    typed = home.typed(way)
    attempt = home.begin(typed)
    found = await home.sign_in(attempt, typed)
    held = [vars(attempt), found, home.desk, home.desk.household, home.http]
    assert "demo-" not in repr(held).replace(repr(home.simulator), "")


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("refresh-token", [Asking("for an access token")]),
        ("client-credentials", [Asking("for an access token")]),
        ("code", [Asking("to exchange the code")]),
        ("device", [DeviceCode]),
        ("browser", [BrowserPage]),
    ],
)
async def test_the_person_is_told_what_goes_on(home: Home, way: Way, told: list[object]) -> None:
    await look(home, way)
    after = [Asking("for the backup"), Asking("whose org it is")]
    assert home.shown[-2:] == after
    assert [one if isinstance(one, Asking) else type(one) for one in home.shown[:-2]] == told


@pytest.mark.parametrize("way", ["device", "browser"])
async def test_an_org_is_put_where_its_person_turned_out_to_live(home: Home, way: Way) -> None:
    typed, home.person = home.typed(way, "alder"), "saffron"
    attempt = home.begin(typed)
    found = await home.sign_in(attempt, typed)
    assert found.org == replace(typed.org, data_center="in")
    await attempt.keep()
    assert home.orgs == (found.org,)


@pytest.mark.parametrize("way", WAYS)
async def test_the_first_access_token_counts_among_the_ten_of_its_refresh_token(
    home: Home, way: Way
) -> None:
    await home.add(way)
    spent = [row for row in home.rows("token_request") if not row[1].startswith("code|")]
    assert len(spent) == 1


async def test_an_org_without_a_backup_may_be_watched_all_the_same(home: Home) -> None:
    home.simulator.forced["heron"] = "NONE"
    found = await look(home)
    assert found.looked is not None
    assert found.looked.backup is None


async def test_without_the_org_scope_it_goes_on_without_the_name(home: Home) -> None:
    home.simulator.missing_scopes["heron"] = {"ZohoCRM.org.READ"}
    await home.add("code")
    assert home.journal.load(home.orgs)["heron"].zoho.company is None


async def test_a_name_that_cannot_be_had_just_now_stops_nothing(home: Home) -> None:
    home.broken.add(ORG_PATH)
    company = (await look(home)).company
    assert isinstance(company, Trouble)
    assert company.kind == "network"


@pytest.mark.parametrize("way", ["refresh-token", "client-credentials"])
async def test_unverified_nothing_is_asked_and_all_is_kept(home: Home, way: Way) -> None:
    await home.add(way, verified=False)
    assert home.paths == []
    assert [org.name for org in home.orgs] == ["heron"]
    assert home.keyring.entries["heron"][1] is None
    assert home.journal.load(home.orgs) == {}


async def test_a_code_is_exchanged_even_where_nothing_is_to_be_verified(home: Home) -> None:
    await home.add("code", verified=False)
    assert home.grants == ["authorization_code"]


async def test_what_the_config_says_besides_stays(home: Home) -> None:
    home.config.path.write_text(COMMENTED)
    await home.add()
    assert home.text is not None
    assert home.text.startswith(COMMENTED)
    assert [org.name for org in home.orgs] == ["acme", "heron"]


async def test_what_was_seen_of_an_earlier_org_of_that_name_is_forgotten(home: Home) -> None:
    await home.add()
    home.config.remove("heron")
    await home.add(verified=False)
    assert home.journal.load(home.orgs) == {}


async def test_an_entry_that_is_not_zbtuis_does_not_stand_in_the_way(home: Home) -> None:
    home.keyring.error = TroubleError(Trouble("keyring", "Not ours.", "Anew.", code=FOREIGN_ENTRY))
    home.keyring.fails_at = {"read the sign-in"}
    await home.add()
    assert "heron" in home.keyring.sign_ins


# The client of an org that is under watch


async def test_the_client_of_an_org_under_watch_can_be_used_without_typing_its_secret(home: Home) -> None:
    await home.add("device", "heron")
    typed, home.person = home.typed("device", "heron", called="second"), "heron"
    assert [org.name for org in home.desk.clients(typed.org)] == ["heron"]
    attempt = home.begin(typed)
    await attempt.sign_in(None, None, home.show, client_of="heron")
    await attempt.keep()
    first, second = (home.keyring.sign_ins[name] for name in ("heron", "second"))
    assert first.client_secret == second.client_secret
    assert first.refresh_token != second.refresh_token


@pytest.mark.parametrize(
    "where",
    [
        {"data_center": "in"},
        {
            "data_center": "custom",
            "accounts_url": "https://a.example.com",
            "api_url": "https://b.example.com",
        },
    ],
    ids=["another data center", "a host of its own"],
)
async def test_a_secret_goes_to_no_other_host_than_it_was_typed_for(
    home: Home, where: dict[str, str]
) -> None:
    await home.add("device", "heron")
    asked = len(home.paths)
    org = home.desk.check({"name": "second", "client_id": "1000.DEMODEVICE", **where})
    assert home.desk.clients(org) == []
    attempt = home.desk.begin(org, "device")
    trouble = await refused(attempt.sign_in(None, None, home.show, client_of="heron"))
    assert "no client secret" in trouble.message
    assert len(home.paths) == asked


async def test_of_several_orgs_with_one_client_the_one_that_signs_in_again_stands_for_it(
    home: Home,
) -> None:
    first = await home.add("device", "heron")
    typed, home.person = home.typed("device", "heron", called="second"), "heron"
    attempt = home.begin(typed)
    await attempt.sign_in(typed.secret, None, home.show)
    await attempt.keep()
    assert [org.name for org in home.desk.clients(first)] == ["heron"]
    assert [org.name for org in home.desk.clients(typed.org)] == ["second"]


async def test_a_config_that_cannot_be_read_knows_no_client(home: Home) -> None:
    await home.add("device", "heron")
    typed = home.typed("device", "heron", called="second")
    home.config.path.write_text("[[org]")
    assert home.desk.clients(typed.org) == []


async def test_a_secret_that_was_not_typed_and_is_not_there_is_told(home: Home) -> None:
    typed = home.typed("code")
    attempt = home.begin(typed)
    trouble = await refused(attempt.sign_in(None, typed.answer, home.show))
    assert trouble.kind == "auth"
    assert "no client secret" in trouble.message
    assert home.paths == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("typed_secret", ["", "two words", "line\nbreak", "\u00e9"])
async def test_a_secret_that_cannot_be_one_is_told_before_anything_is_asked(
    home: Home, way: Way, typed_secret: str
) -> None:
    typed = replace(home.typed(way), secret=typed_secret)
    trouble = await refused(home.sign_in(home.begin(typed), typed))
    assert (trouble.kind, "client secret" in trouble.message) == ("config", True)
    assert (home.paths, home.shown) == ([], [])


@pytest.mark.parametrize("answer", [None, "", "two words", "line\nbreak"])
async def test_a_refresh_token_that_cannot_be_one_is_told_before_anything_is_asked(
    home: Home, answer: str | None
) -> None:
    typed = replace(home.typed("refresh-token"), answer=answer)
    trouble = await refused(home.sign_in(home.begin(typed), typed))
    assert (trouble.kind, "refresh token" in trouble.message) == ("config", True)
    assert home.paths == []


# Told before anything is spent


async def test_a_name_is_given_once(home: Home) -> None:
    await home.add()
    before, asked = home.state, list(home.paths)
    trouble = await refused(look(home, "code"))
    assert (trouble.kind, "heron" in trouble.message) == ("config", True)
    assert (home.state, home.paths) == (before, asked)


async def test_a_broken_config_is_told_before_zoho_is_asked(home: Home) -> None:
    home.config.path.write_text("[[org]\n")
    assert (await refused(look(home, "code"))).kind == "config"
    assert (home.paths, home.text) == ([], "[[org]\n")


@pytest.mark.parametrize("way", WAYS)
async def test_a_locked_keyring_is_told_before_a_code_is_spent_or_a_page_shown(
    home: Home, way: Way
) -> None:
    home.keyring.fails_at = {"read the token"}
    assert (await refused(look(home, way))).kind == "keyring"
    assert (home.paths, home.shown, home.rows("token_request")) == ([], [], [])


async def test_the_wrong_data_center_is_named(home: Home) -> None:
    typed = home.typed()
    typed = replace(typed, org=replace(typed.org, data_center="us"))
    trouble = await refused(home.sign_in(home.begin(typed), typed))
    assert (trouble.kind, trouble.code, trouble.final) == ("auth", "invalid_client", True)
    assert "US" in trouble.hint


@pytest.mark.parametrize("way", GRANTING)
async def test_a_consent_that_does_not_cover_backups_names_what_it_lacks(home: Home, way: Way) -> None:
    home.simulator.missing_scopes["heron"] = {BACKUP_SCOPE}
    trouble = await refused(look(home, way))
    assert (trouble.code, trouble.final) == ("OAUTH_SCOPE_MISMATCH", True)
    assert "ZohoCRM.org.READ" in trouble.message
    assert BACKUP_SCOPE in trouble.hint
    assert DETAILS_PATH not in home.paths
