"""Which rows hold this word? An inverted index: for each word the keys of the rows that have it.

It is the table turned around, work done when a text is written so that nobody reads all texts to find a word. A text of
w different words touches w rows of the index; one that changes touches only the words that come or go. That is the
*write amplification* of being found.
"""

from __future__ import annotations

import re
from typing import Any, Final

from dsys_lab.dataflows.derived_view.view import COMES, GOES, Row, State, View
from dsys_lab.errors import BadParameter
from dsys_lab.structures.schema import Value
from dsys_lab.trace import NO_TRACE, Recorder

_WORD: Final = re.compile(r"\w+")


def words_of(text: str | None) -> list[str]:
    """Return the different words of a text in their order, without regard to case.

    >>> words_of("Warm bed, warm tea")
    ['warm', 'bed', 'tea']
    """
    return list(dict.fromkeys(_WORD.findall((text or "").casefold())))


class Words(View):
    """The keys of the rows that have a word, by word.

    Parameters
    ----------
    of : str
        The column with the text.
    key : str
        The column that tells rows apart.
    """

    def __init__(
        self, table: str, *, of: str, key: str = "id", name: str = "", recorder: Recorder = NO_TRACE
    ) -> None:
        super().__init__(table, name=name, recorder=recorder)
        self.of, self.key = of, key
        self._forget()

    def _forget(self) -> None:
        self._postings: dict[str, dict[Value, None]] = {}

    def _take(self, before: Row | None, after: Row | None, position: int) -> None:
        old, new = self._pairs(before), self._pairs(after)
        gone, came = [pair for pair in old if pair not in new], [pair for pair in new if pair not in old]
        for pairs, there, wrong in ((old, True, GOES), (came, False, COMES)):
            for word, key in pairs:
                if (key in self._postings.get(word, {})) is not there:
                    raise self.does_not_add_up({word: key}, wrong)
        for word, key in gone:
            del self._postings[word][key]
            if not self._postings[word]:
                del self._postings[word]
        for word, key in came:
            self._postings.setdefault(word, {})[key] = None
        self.written_rows += len(gone) + len(came)

    def _pairs(self, row: Row | None) -> dict[tuple[str, Any], None]:
        """Return each word of a row with its key."""
        if row is None:
            return {}
        text, key = self.column(row, self.of), self.column(row, self.key)
        if text is not None and not isinstance(text, str):
            raise BadParameter(f"{self.name}: {self.of} = {text!r}: give a text, or NULL")
        return dict.fromkeys((word, key) for word in words_of(text))

    def search(self, text: str) -> list[Value]:
        """Return the keys of the rows that have every word of `text`, in the order of the keys."""
        lists = [self._postings.get(word, {}) for word in words_of(text)]
        return sorted(key for key in min(lists, key=len, default={}) if all(key in one for one in lists))  # type: ignore[type-var]

    def state(self) -> State:
        """Return the keys for each word, in order."""
        return {word: sorted(keys) for word, keys in self._postings.items()}
