"""Reads a trace with Perfetto's own classes, and prints what is in it."""

import sys

from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent


def messages(message):
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for one in value if isinstance(value, (list, tuple)) or hasattr(value, "add") else [value]:
                yield from messages(one)


trace = Trace.FromString(open(sys.argv[1], "rb").read())
assert all(len(UnknownFieldSet(it)) == 0 for it in messages(trace)), "a field that is none"
tracks = {it.track_descriptor.uuid: it.track_descriptor.name for it in trace.packet if it.HasField("track_descriptor")}
events = [it.track_event for it in trace.packet if it.HasField("track_event")]
assert all(it.track_uuid in tracks for it in events), "an event without a track"
count = lambda kind: sum(it.type == kind for it in events)
assert count(TrackEvent.TYPE_SLICE_BEGIN) == count(TrackEvent.TYPE_SLICE_END)
begun = sorted(flow for it in events for flow in it.flow_ids)
ended = sorted(flow for it in events for flow in it.terminating_flow_ids)
assert begun == ended and len(set(begun)) == len(begun)
print(*tracks.values(), sep="\n")
print(*(f"{tracks[it.track_uuid]} | {it.name} | {it.source_location.file_name}" for it in events if it.name), sep="\n")
