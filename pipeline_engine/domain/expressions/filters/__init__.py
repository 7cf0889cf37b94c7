"""The filters of the language: pure functions with a fixed number of arguments."""

from __future__ import annotations

from pipeline_engine.domain.expressions.filters.arithmetic import ARITHMETIC_FILTERS
from pipeline_engine.domain.expressions.filters.dates import DATE_FILTERS
from pipeline_engine.domain.expressions.filters.encodings import ENCODING_FILTERS
from pipeline_engine.domain.expressions.filters.groups import GROUP_FILTERS
from pipeline_engine.domain.expressions.filters.objects import OBJECT_FILTERS
from pipeline_engine.domain.expressions.filters.regex import REGEX_FILTERS
from pipeline_engine.domain.expressions.filters.sequences import SEQUENCE_FILTERS
from pipeline_engine.domain.expressions.filters.text import TEXT_FILTERS

FILTERS = {
    **ARITHMETIC_FILTERS,
    **DATE_FILTERS,
    **ENCODING_FILTERS,
    **GROUP_FILTERS,
    **OBJECT_FILTERS,
    **REGEX_FILTERS,
    **SEQUENCE_FILTERS,
    **TEXT_FILTERS,
}
FILTER_NAMES = frozenset(FILTERS)
