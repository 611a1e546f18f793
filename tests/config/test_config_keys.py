"""The config's `[keys]`, and the tags and the mark of an org."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.config_files import ACME, NEW, File, refused
from tests.store.store_samples import sample_org
from tests.support.samples import reproducible
from zbtui.config.parsing import org_from_table, org_to_table, parse_config
from zbtui.model.org import ACCENTS
from zbtui.presentation.custom_keys import Keymap


@pytest.fixture
def file(tmp_path: Path) -> File:
    (tmp_path / "config").mkdir()
    return File(tmp_path / "config")


def keys(text: str) -> Keymap:
    return parse_config(text, "config.toml").settings.keys


# Keys


@pytest.mark.parametrize("text", ["", ACME, "[keys]\n", "keys = {}\n"])
def test_without_any_the_keys_are_as_documented(text: str) -> None:
    assert keys(text) == ()


def test_each_action_has_the_keys_that_are_written() -> None:
    text = dedent("""
        [keys]
        "fleet.look" = "f5, ?"  # as in the browser
        'app.help' = "f1"
        """)
    assert keys(text) == (("fleet.look", "f5,question_mark"), ("app.help", "f1"))


def test_a_change_of_orgs_leaves_the_keys_as_they_are(file: File) -> None:
    text = '[keys]\n"fleet.look" = "f5"  # mine\n\n' + ACME
    file.put(text)
    file.add()
    file.remove("new")
    file.replace("acme", sample_org(tags=("prod",)))
    assert file.text().startswith(text)
    assert file.load().settings.keys == (("fleet.look", "f5"),)


# Tags, and the mark


def test_tags_and_accent_are_read() -> None:
    config = parse_config(ACME + 'tags = ["prod", "øst"]\naccent = "blue"\n', "config.toml")
    assert config.orgs == (sample_org(tags=("prod", "øst"), accent="blue"),)


@pytest.mark.parametrize("accent", ACCENTS)
def test_each_accent_may_be_chosen(accent: str) -> None:
    assert org_from_table(org_to_table(sample_org()) | {"accent": accent}).accent == accent


words = st.text(st.characters(categories=("L", "Nd"), include_characters="-_./"), min_size=1, max_size=20)


@reproducible
@given(tags=st.lists(words, max_size=10, unique_by=str.casefold), accent=st.sampled_from((None, *ACCENTS)))
def test_whatever_an_org_is_tagged_with_is_read_as_its_table_says(
    tags: list[str], accent: str | None
) -> None:
    made = sample_org(tags=tuple(tags), accent=accent)
    assert org_from_table(org_to_table(made)) == made


def test_an_org_without_any_has_no_line_of_them() -> None:
    assert not {"tags", "accent", "mute"} & org_to_table(sample_org()).keys()
    assert org_from_table(org_to_table(sample_org()) | {"tags": []}) == sample_org()


def test_an_org_is_added_with_its_tags(file: File) -> None:
    new = replace(NEW, tags=("prod", "nordics"), accent="red")
    file.add(new)
    assert file.load().orgs == (new,)
    assert file.text().endswith('tags = ["prod", "nordics"]\naccent = "red"\n')


def test_tags_are_changed_where_they_stand(file: File) -> None:
    text = (
        ACME + 'tags = ["prod"]  # ours\naccent = "red"  # loud\n# the other:\n' + ACME.replace("acme", "b")
    )
    file.put(text)
    file.replace("acme", sample_org(tags=("prod", "nordics"), accent="red"))
    assert file.text() == text.replace('["prod"]', '["prod", "nordics"]')
    file.replace("acme", sample_org())
    assert file.text() == ACME + "# the other:\n" + ACME.replace("acme", "b")


def test_what_is_written_around_tags_stays_while_something_else_changes(file: File) -> None:
    text = ACME + "tags = [\n    'prod',  # since May\n]\n"
    file.put(text)
    file.replace("acme", sample_org(tags=("prod",), accent="blue"))
    assert file.text() == text + 'accent = "blue"\n'


# Mistakes

MANY = ", ".join(f'"t{number}"' for number in range(11))
MISTAKES = {
    "an action that is none": ('# mine\n[keys]\n"fleet.lok" = "f5"\n', 3, "fleet.lok", "fleet.look"),
    "keys that are no text": ('[keys]\n"fleet.look" = 5\n', 2, "fleet.look", "quotes"),
    "a control in the name of an action": ('[keys]\n"a\\u001b[2J" = 5\n', 1, "a[2J is not", "quotes"),
    "keys in a list": ('[keys]\n"fleet.look" = ["f5"]\n', 2, "fleet.look", "quotes"),
    "a name without quotes": ('[keys]\nfleet.look = "f5"\n', 2, "fleet", '"fleet.look"'),
    "a key that is none": ('[keys]\n"fleet.look" = "F5"\n', 2, "'F5'", "f5"),
    "no key": ('[keys]\n"fleet.look" = ""\n', 2, "fleet.look", "f5"),
    "a key that is needed everywhere": ('[keys]\n"fleet.look" = "ctrl+q"\n', 2, "ctrl+q", "another"),
    "a key that another has": (
        '[keys]\n"app.quit" = "f10"\n"fleet.look" = "p"\n',
        3,
        "fleet.pause",
        "both",
    ),
    "two keys alike": ('[keys]\n"fleet.look" = "f5"\n"fleet.pause" = "f5"\n', 3, "fleet.look", "both"),
    "keys are no table": ('keys = "vim"\n', 1, "keys", "[keys]"),
    "tags in one text": (ACME + 'tags = "prod nordics"\n', 5, "tags", "["),
    "a tag that is no text": (ACME + "tags = [5]\n", 5, "tags", "["),
    "an empty tag": (ACME + 'tags = [""]\n', 5, "no tag", "word"),
    "a tag of two words": (ACME + 'tags = ["a b"]\n', 5, "'a b'", "word"),
    "a tag with a comma": (ACME + 'tags = ["a,b"]\n', 5, "'a,b'", "word"),
    "a tag that excludes": (ACME + 'tags = ["!a"]\n', 5, "'!a'", "word"),
    "a tag that is a term": (ACME + 'tags = ["dc:eu"]\n', 5, "'dc:eu'", "word"),
    "a tag with a control": (ACME + 'tags = ["a\\u001b"]\n', 5, "'a'", "word"),
    "a long tag": (ACME + f'tags = ["{"x" * 21}"]\n', 5, "x" * 21, "20"),
    "a tag given twice": (ACME + 'tags = ["Prod", "prod"]\n', 5, "'prod'", "Once"),
    "many tags": (ACME + f"tags = [{MANY}]\n", 5, "10", "out"),
    "an accent that is none": (ACME + 'accent = "puce"\n', 5, "puce", "blue"),
    "an accent that is no text": (ACME + "accent = true\n", 5, "accent", "quotes"),
    "tags for all": ('[watch]\ntags = ["a"]\n', 2, "tags", "every"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_shown_with_line_and_cure_and_nothing_is_rewritten(
    mistake: str, file: File
) -> None:
    text, line, word, cure = MISTAKES[mistake]
    file.put(text)
    for act in (file.load, file.add, partial(file.remove, "acme")):
        problem = refused(act)
        assert problem.message.startswith(f"{file.path}, line {line}: ")
        assert word in problem.message.removeprefix(str(file.path))
        assert cure in problem.hint
    assert file.text() == text
