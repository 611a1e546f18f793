"""`MemoryConfigStore` behaves as `ConfigFile` does."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.config.config_files import File, refused
from tests.store.store_samples import sample_org
from zbtui.config.config_store import ConfigStore, MemoryConfigStore
from zbtui.config.settings import Config
from zbtui.model.org import Org
from zbtui.model.watch_policy import WatchPolicy

POLICY = WatchPolicy(every=timedelta(minutes=1))


@pytest.fixture(params=["in memory", "in a file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ConfigStore:
    """A config with two orgs, `acme` and `b`."""
    if request.param == "in memory":
        return MemoryConfigStore(Config(POLICY, (sample_org(), sample_org("b"))))
    file = File(tmp_path)
    file.put('[watch]\nevery = "1m"\n')
    file.add(sample_org())
    file.add(sample_org("b"))
    return file.store()


def names(config: Config | None) -> list[str] | None:
    return None if config is None else [one.name for one in config.orgs]


def test_the_config_is_loaded_with_its_policy(store: ConfigStore) -> None:
    assert store.load() == Config(POLICY, (sample_org(), sample_org("b")))
    assert store.load_if_changed() is None


def test_an_org_is_added_at_the_end_removed_and_changed_where_it_stands(store: ConfigStore) -> None:
    store.add(sample_org("c"))
    assert names(store.load()) == ["acme", "b", "c"]
    store.replace("b", sample_org("b2", data_center="us"))
    assert store.load().orgs == (sample_org(), sample_org("b2", data_center="us"), sample_org("c"))
    store.remove("acme")
    assert names(store.load()) == ["b2", "c"]
    assert store.load().policy == POLICY


def test_a_change_is_loaded_once(store: ConfigStore) -> None:
    store.add(sample_org("c"))
    assert names(store.load_if_changed()) == ["acme", "b", "c"]
    assert store.load_if_changed() is None


def test_an_announced_change_is_loaded_once_more(store: ConfigStore) -> None:
    store.remove("b")
    store.load_if_changed()
    store.announce_change()
    assert names(store.load_if_changed()) == ["acme"]
    assert store.load_if_changed() is None


@pytest.mark.parametrize(
    ("name", "changed"),
    [("acme", sample_org()), ("acme", sample_org(policy_overrides=(("every", timedelta(hours=1)),)))],
)
def test_an_org_may_keep_its_name(name: str, changed: Org, store: ConfigStore) -> None:
    store.replace(name, changed)
    assert store.load().orgs == (changed, sample_org("b"))


def test_a_refused_edit_changes_nothing(store: ConfigStore) -> None:
    for act in (
        partial(store.add, sample_org("b")),
        partial(store.replace, "acme", sample_org("b")),
        partial(store.replace, "x", sample_org("y")),
        partial(store.remove, "x"),
    ):
        refused(act)
    assert names(store.load()) == ["acme", "b"]
    assert store.load_if_changed() is None
