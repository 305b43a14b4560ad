"""Reading trace files of every format into canonical traces."""

from .detect import READERS, detect, list_traces, read_traces
from .reader import Reader, record_reader
from .source import ReadOptions, SourceFile, SourceRecord, open_source
from .summary import TraceSummary, summarise
from .unrepeat_attributes import FIELDS

__all__ = [
    "FIELDS",
    "READERS",
    "ReadOptions",
    "Reader",
    "SourceFile",
    "SourceRecord",
    "TraceSummary",
    "detect",
    "list_traces",
    "open_source",
    "read_traces",
    "record_reader",
    "summarise",
]
