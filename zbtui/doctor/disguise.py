"""Replaces all that identifies an org in Zoho's answers with stand-ins, without any I/O.

Only known words are kept. Equal values get equal stand-ins, and different values different ones. Letters
stay letters (about as many, of the same case and direction), digits stay digits, and punctuation stays. All
dates move by the same number of days; their distances, their offsets and the times of day stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from itertools import count, product
from typing import Any, Final

from zbtui.zoho_api.data_centers import DATA_CENTERS

_PIECE: Final = re.compile(r"[^\W_]+")
_LETTERS_THEN_DIGITS: Final = re.compile(r"([^\W\d_]+)([0-9]+)")
_STRANGE: Final = re.compile(r"[^\w\x20-\x7e]")
"""Symbols, marks and control characters, which are all replaced by `~`."""
_DATE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)((?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?)", re.ASCII
)
_FILE_NAME: Final = re.compile(r"(Data|Attachments)_\d{1,4}\.zip", re.ASCII)
_LENGTHS: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64)
"""The lengths of stand-ins: the length of a word is rounded up to one of these."""
_LATIN, _ACCENTED, _WIDE, _RIGHT_TO_LEFT = "xqz", "éèê", "甲乙丙", "אבג"
STAND_IN_LETTERS: Final = _LATIN + _ACCENTED + _WIDE + _RIGHT_TO_LEFT


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _words_of_key(key: str) -> list[str]:
    """Return the words of a key in `snake_case` or `camelCase`, in lower case."""
    return re.findall("[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower())


_WORD_KEYS: Final = _words(
    """action code error errorCode error_code kind more_records org_type paid_type permissions
    permissions_needed reason repeat_type result rrule scope state status supported_version token_type
    trial_type type version"""
)
"""The JSON keys in whose values the words of `_VALUE_WORDS` are kept."""
_NUMBER_KEYS: Final = _words(
    """code count errorCode error_code expires_in expires_in_sec interval page per_page"""
)
"""The JSON keys whose numbers are kept, up to `_LONGEST_KEPT_NUMBER` digits."""
_LONGEST_KEPT_NUMBER: Final = 7
_VALUE_WORDS: Final = _words(
    """abandoned abort aborted accepted access active address all allowed already api auth authentication
    authorization authorized available backup bearer biweekly blocked body bulk byday bymonthday cancel
    canceled cancelled cancelling client closed code complete completed completing config configured
    content corrupt corrupted count crash crashed created crm crmplus daily data day days dc delayed
    delete deleted denied deprecated developer disabled domain done down download downloaded draft
    enabled end ended enterprise error errors exceeded expire expired expiry fail failed failing failure
    false feature file files finish finished finishing forbidden force found fr free freq general grant
    hold host hourly id immediate implied in inactive incomplete info initiate initiated inprogress
    input internal interrupted interval invalid killed license limit location locked mandatory manual
    many match method mismatch missed missing mo modified module modules month monthly never new no none
    not null oauth oauthscope oauthtoken ok old on once org other over paid parameter part partial
    partially pattern pause paused payment paymentfailed pending permission postponed prepared preparing
    processed processing production professional progress purchase purchased queue queued reached read
    readable ready recurring redirect refresh rejected released removed renewed request requested
    requests required resource resume resumed retried retry retrying rrule rule run running sa sandbox
    schedule scheduled scope secret server service session settings skip skipped slow standard start
    started starting stop stopped stopping su submitted success successful supported suspended system
    terminated th throttled time timed timeout token too trial trigger triggered true try tu ultimate
    unavailable unknown until update updated uri url used user waiting warning we week weekly with
    without wkst yearly zohocrm zohofiles zohoone zohooneenterprise 拒绝访问"""
)
_KEY_WORDS: Final = (
    frozenset(DATA_CENTERS)
    | _words(
        """access accounts actions alias api attachment attachments backup backups body bulk by city client
    company config content count country created crm currency data date description details domain done
    email end ends errors expire expires expiry ezgid fax file files first general grant history hours id in
    info input ip iso job jobs key language last left license licenses link links list locale locations
    log logged logo message messages mobile modified module modules more name names needed next number
    oauth of org organization owner page paid parts per phone photo portal primary progress purchased
    record records reference refresh rel remaining repeat request requester requests resource response
    row rows run runs schedule scheduled sec seconds secret server service session settings size source
    start started state status street system template time token total trial type types unit updated uri
    url urls user users value values verification version website week zgid zia zip zone zuid"""
    )
    | {word for key in _WORD_KEYS | _NUMBER_KEYS for word in _words_of_key(key)}
)
_URL_WORDS: Final = _words(
    """accl accounts api attachments backup bulk console crm data developer device download history http
    https oauth org sandbox token urls www zip zoho zohoapis zohocloud"""
) | frozenset(
    label for dc in DATA_CENTERS.values() for label in dc.accounts_url.partition("zoho")[2].split(".")
)
_VERSION: Final = re.compile(r"v\d(\.\d)?", re.ASCII)


def pieces_of(text: str) -> Iterator[str]:
    """Yield the parts of a text that get stand-ins: words, numbers, and mixtures of letters and digits."""
    for run in _PIECE.findall(text):
        pair = _LETTERS_THEN_DIGITS.fullmatch(run)
        yield from pair.groups() if pair else (run,)


class Disguise:
    """Replaces values with stand-ins; one instance serves all answers of a capture."""

    def __init__(self, texts: Iterable[str], shift: timedelta) -> None:
        """Prepare to disguise `texts`, which are all texts of a capture; dates move by `shift`.

        No word of these texts is ever used as a stand-in.
        """
        self._days = shift.days
        self._taken = {piece.casefold() for text in texts for piece in pieces_of(text)}
        self.unknown_words: dict[str, str] = {}
        """The texts under the keys in `_WORD_KEYS` in which an unknown word was replaced, and their
        stand-ins."""
        self._stand_ins: dict[str, str] = {}
        self._candidates: dict[tuple[str, int], Iterator[str]] = {}

    def value(self, value: Any, key: str = "") -> Any:
        """Disguise a JSON value that stands under `key`.

        Raises RecursionError if the value is nested too deeply.
        """
        if isinstance(value, Mapping):
            return {self._key(name): self.value(under, name) for name, under in value.items()}
        if isinstance(value, list):
            return [self.value(one, key) for one in value]
        if isinstance(value, str):
            return self.text(value, key)
        if isinstance(value, bool) or value is None:
            return value
        return self._number(value, key)

    def text(self, text: str, key: str = "") -> str:
        """Disguise a text that stands under `key`, which decides whether known words are kept."""
        if moved := self._moved_date(text):
            return moved
        if re.match("https?://", text):
            return self._url(text)
        if key not in _WORD_KEYS:
            return self._replace(text)
        replaced = self._replace(text, _VALUE_WORDS, keep_short_numbers=key == "rrule")
        if replaced != text:
            self.unknown_words[text] = replaced
        return replaced

    def http_date(self, text: str) -> str | None:
        """Return the moved date of an HTTP header such as `Date`; None if the text is not a date."""
        try:
            moment = parsedate_to_datetime(text) + timedelta(self._days)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        return format_datetime(moment.astimezone(UTC), usegmt=True) if moment.tzinfo else None

    def _key(self, key: str) -> str:
        is_known = re.fullmatch(r"[A-Za-z_]{1,40}", key) and _KEY_WORDS.issuperset(_words_of_key(key))
        return key if is_known else self._replace(key)

    def _number(self, number: float, key: str) -> float:
        if number != number or number in (float("inf"), float("-inf")):
            return number
        digits = str(abs(int(number)))
        if len(digits) == 1 or (key in _NUMBER_KEYS and len(digits) <= _LONGEST_KEPT_NUMBER):
            return number
        replaced = int(self._stand_in(digits)) * (-1 if number < 0 else 1)
        return replaced + 0.5 if isinstance(number, float) else replaced

    def _moved_date(self, text: str) -> str | None:
        """Return a moved date, with or without time and offset; None if the text is not a date."""
        found = _DATE.fullmatch(text)
        if found is None:
            return None
        try:
            return f"{date.fromisoformat(found[1]) + timedelta(self._days)}{found[2]}"
        except (ValueError, OverflowError):
            return None

    def _url(self, text: str) -> str:
        """Disguise a URL, except for the parts that the URLs of all orgs have in common."""
        scheme, _, rest = text.partition("://")
        parts = re.split(r"([/?#&=])", rest)
        return f"{scheme}://{''.join(map(self._url_part, parts))}"

    def _url_part(self, part: str) -> str:
        """Disguise one part of a URL: a host, a folder, a file name, or a key or value of the query."""
        is_known = _URL_WORDS.issuperset(re.split("[.-]", part.lower())) or _VERSION.fullmatch(part)
        if is_known or _FILE_NAME.fullmatch(part):
            return part
        # Percent-encoded characters are replaced as one piece: singly, they might be recognized.
        return self._stand_in(re.sub(r"[\W_]", "0", part)) if "%" in part else self._replace(part)

    def _replace(
        self, text: str, known: Iterable[str] = frozenset[str](), *, keep_short_numbers: bool = False
    ) -> str:
        def piece(found: re.Match[str]) -> str:
            run = found[0]
            is_short_number = run.isascii() and re.fullmatch(r"-?\d{1,2}(MO|TU|WE|TH|FR|SA|SU)?", run)
            if run.lower() in known or (keep_short_numbers and is_short_number):
                return run
            return "".join(map(self._stand_in, pieces_of(run)))

        return _PIECE.sub(piece, _STRANGE.sub("~", text))

    def _stand_in(self, piece: str) -> str:
        if piece not in self._stand_ins:
            self._stand_ins[piece] = self._new_stand_in(piece)
        return self._stand_ins[piece]

    def _new_stand_in(self, piece: str) -> str:
        alphabet = _alphabet_of(piece)
        length = len(piece) if alphabet == "" else _length_class(len(piece))
        candidates = self._candidates.setdefault((alphabet, length), _candidates(alphabet, length))
        made = next(one for one in candidates if one.casefold() not in self._taken)
        self._taken.add(made.casefold())
        if piece.isupper():
            return made.upper()
        return made.capitalize() if piece[0].isupper() else made


def _alphabet_of(piece: str) -> str:
    """Return the letters that the stand-in of a piece is made of; empty if it is made of digits only.

    A final `9` means that the stand-in is made of letters and a final digit.
    """
    if piece.isdecimal():
        return ""
    first = next((letter for letter in piece if letter.isalpha()), "x")
    letters = _ACCENTED
    if piece.isascii():
        letters = _LATIN
    elif unicodedata.east_asian_width(first) in "WF":
        letters = _WIDE
    elif unicodedata.bidirectional(first) in ("R", "AL"):
        letters = _RIGHT_TO_LEFT
    return letters if piece.isalpha() else f"{letters}9"


def _length_class(length: int) -> int:
    return next((most for most in _LENGTHS if length <= most), _LENGTHS[-1])


def _candidates(alphabet: str, length: int) -> Iterator[str]:
    """Yield possible stand-ins, without end: first those of this length, then longer ones."""
    letters = alphabet.removesuffix("9")
    end = "9" if alphabet.endswith("9") else ""
    for size in count(length):
        if not letters:
            yield from (f"9{number:0{size - 1}}" if size > 1 else "9" for number in range(10 ** (size - 1)))
        else:
            yield from (
                f"{''.join(drawn)}{end}" for drawn in product(letters, repeat=max(size - len(end), 1))
            )
