"""The command palette: finding an org by its name, or by the beginning of its entry."""

from __future__ import annotations

import pytest
from textual.command import Hit, Provider

from tests.tui.app_driver import AppDriver, drive_app
from zbtui.tui.command_palette import OrgProvider

NAMES = ["acme", "gopher", *(f"org-{number}" for number in range(30))]


async def hits_for(driven: AppDriver, query: str) -> list[str]:
    """The orgs that the palette finds, best first."""
    provider: Provider = OrgProvider(driven.screen)
    hits = [hit async for hit in provider.search(query)]
    assert all(isinstance(hit, Hit) for hit in hits)
    hits.sort(key=lambda hit: -hit.score if isinstance(hit, Hit) else 0)
    return [str(hit.text).removeprefix("Go to ").partition(" ·")[0] for hit in hits]


@pytest.mark.parametrize("query", ["go to", "Go to", "go to ", "go t"])
async def test_go_to_alone_lists_the_first_orgs(query: str) -> None:
    async with drive_app(NAMES) as driven:
        assert await hits_for(driven, query) == NAMES[:20]


async def test_the_beginning_of_an_entry_lists_the_first_orgs_after_those_of_that_name() -> None:
    async with drive_app(NAMES) as driven:
        assert await hits_for(driven, "go") == ["gopher", "acme", *NAMES[2:20]]


@pytest.mark.parametrize("query", ["gopher", "go to gopher", "GO TO  Goph"])
async def test_an_org_is_found_by_its_name(query: str) -> None:
    async with drive_app(NAMES) as driven:
        assert await hits_for(driven, query) == ["gopher"]


@pytest.mark.parametrize("query", ["g", "", " ", "go to nowhere", "goto"])
async def test_any_other_text_lists_only_orgs_whose_name_contains_it(query: str) -> None:
    async with drive_app(NAMES) as driven:
        wanted = query.strip()
        names = [name for name in NAMES if wanted and wanted in name]
        assert sorted(await hits_for(driven, query)) == sorted(names)


async def test_the_palette_lists_the_orgs() -> None:
    async with drive_app(["acme", "heron"]) as driven:
        await driven.press("ctrl+p", *"go to")
        assert "Go to acme · ● SCHEDULED" in driven.screen_text
        assert "Go to heron · ● SCHEDULED" in driven.screen_text
