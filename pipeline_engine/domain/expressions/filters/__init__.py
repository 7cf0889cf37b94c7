"""The filters of the language: pure functions with a fixed number of arguments."""

from __future__ import annotations

from pipeline_engine.domain.expressions.filters.arithmetic import ARITHMETIC_FILTERS
from pipeline_engine.domain.expressions.filters.encodings import ENCODING_FILTERS
from pipeline_engine.domain.expressions.filters.objects import OBJECT_FILTERS
from pipeline_engine.domain.expressions.filters.sequences import SEQUENCE_FILTERS
from pipeline_engine.domain.expressions.filters.text import TEXT_FILTERS

FILTERS = {
    **ARITHMETIC_FILTERS,
    **ENCODING_FILTERS,
    **OBJECT_FILTERS,
    **SEQUENCE_FILTERS,
    **TEXT_FILTERS,
}
FILTER_NAMES = frozenset(FILTERS)
