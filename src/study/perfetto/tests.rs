use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use prost::Message;

use super::super::entry::tests::entry;
use super::proto::{Trace, TrackEvent, Type};
use super::{PHASES, PROGRAM, ROOT, SYSTEM, perfetto};
use crate::EventLoop;
use crate::study::{Entry, Kind, Recording};

/// What two sockets of a loop do that talk to each other, and a timer.
fn conversation() -> Recording {
    let mut event_loop = EventLoop::new().unwrap();
    let (sender, entries) = mpsc::channel();
    event_loop.on_trace(move |record| sender.send(Entry::from(record)).unwrap());
    let mut server = event_loop.create_server(|socket| {
        let server = socket.server().unwrap();
        socket.event_loop().server_at(server).close();
        socket.write_then("welcome", |socket, _| _ = socket.end());
    });
    let port = server.listen_on(()).unwrap().port().unwrap();
    let mut client = event_loop.connect_to(("127.0.0.1", port)).unwrap();
    client.on_data(|_, _| {}).on_close(|socket, _| {
        socket.event_loop().after(Duration::from_millis(1), |_| {});
    });
    event_loop.run().unwrap();
    Recording {
        entries: entries.try_iter().collect(),
        ..Recording::default()
    }
}

/// The events, with their times.
fn decoded(recording: &Recording) -> (Trace, Vec<(u64, TrackEvent)>) {
    let mut bytes = Vec::new();
    perfetto(recording, &mut bytes).unwrap();
    let trace = Trace::decode(&*bytes).unwrap();
    let events = trace.packets.iter();
    let events = events.filter_map(|packet| Some((packet.timestamp?, packet.event.clone()?)));
    let events = events.collect();
    (trace, events)
}

/// Catches: slices that are not closed, or overlap.
#[test]
fn each_slice_ends_and_stands_within_its_own() {
    let (_, mut events) = decoded(&conversation());
    events.sort_by_key(|(at, _)| *at);
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for (_, event) in &events {
        let depth = open.entry(event.track_uuid.unwrap()).or_default();
        match event.r#type() {
            Type::SliceBegin => *depth += 1,
            Type::SliceEnd => *depth = depth.checked_sub(1).expect("it was begun"),
            Type::Instant => {}
            Type::Unspecified => panic!("{event:?}"),
        }
    }
    assert!(open.values().all(|depth| *depth == 0), "{open:?}");
    let tracks: Vec<u64> = open.into_keys().collect();
    // The three that every recording has, the loop, the server and both sockets.
    assert_eq!(tracks, (PHASES..=SYSTEM + 4).collect::<Vec<_>>());
}

/// Catches: a flow that has no end, or goes back in time; a callback without a flow.
#[test]
fn a_flow_leads_to_each_callback_from_what_has_caused_it() {
    let recording = conversation();
    let (_, events) = decoded(&recording);
    let mut begun: BTreeMap<u64, &TrackEvent> = BTreeMap::new();
    let mut ended: BTreeMap<u64, &TrackEvent> = BTreeMap::new();
    for (_, event) in &events {
        for id in &event.flow_ids {
            assert!(begun.insert(*id, event).is_none(), "{id} forks");
        }
        for id in &event.terminating_flow_ids {
            assert!(ended.insert(*id, event).is_none(), "{id} has two ends");
            assert!(begun.contains_key(id), "{id} goes back in time");
        }
    }
    assert!(begun.keys().eq(ended.keys()));
    let callbacks = recording
        .entries
        .iter()
        .filter(|it| it.kind == Kind::Callback);
    let mut causes: BTreeMap<&str, &str> = callbacks
        .map(|it| (&*it.words, &*begun[&it.number].categories[0]))
        .collect();
    let reading = causes.remove("data").expect("it was received");
    assert!(["again", "ready"].contains(&reading));
    let expected = [
        ("after", "phase"),
        ("close", "phase"),
        ("connection", "ready"),
        ("write callback", "call"),
    ];
    assert_eq!(causes, BTreeMap::from(expected));
    // The send that has sent what was received.
    let name = |event: &TrackEvent| event.name.clone().unwrap();
    let wire = begun.iter().map(|(id, from)| (name(from), name(ended[id])));
    let sent = |(from, to): &(String, String)| {
        from == "accepted: send: 7 bytes" && to == "client: recv: 7 bytes"
    };
    let wire: Vec<_> = wire.collect();
    assert_eq!(wire.iter().filter(|it| sent(it)).count(), 1, "{wire:?}");
}

#[test]
fn an_event_has_the_number_of_its_record_its_bytes_and_its_line() {
    let line =
        r#"{"n":1,"k":"call","w":"write","bytes":2,"at":"src/a.rs:7","t":5,"who":"socket#1"}"#;
    let recording = Recording {
        args: vec!["netloop".into(), "demo".into()],
        entries: vec![entry(line)],
        ..Recording::default()
    };
    let (trace, events) = decoded(&recording);
    let root = trace.packets[0].track.as_ref().unwrap();
    assert_eq!(
        (root.uuid, root.name.as_deref()),
        (Some(ROOT), Some("netloop demo"))
    );
    assert!(
        trace
            .packets
            .iter()
            .all(|it| it.trusted_packet_sequence_id == Some(1))
    );
    let (at, call) = events
        .iter()
        .find(|(_, it)| it.track_uuid == Some(PROGRAM))
        .unwrap();
    assert_eq!((*at, call.name.as_deref()), (5, Some("socket: write")));
    let values = call
        .annotations
        .iter()
        .map(|it| (it.name.as_deref().unwrap(), it.number.unwrap()));
    assert_eq!(values.collect::<Vec<_>>(), [("record", 1), ("bytes", 2)]);
    let place = call.source_location.as_ref().unwrap();
    assert_eq!(
        (place.file_name.as_deref(), place.line_number),
        (Some("src/a.rs"), Some(7))
    );
    assert!(
        events.iter().all(|(at, _)| *at == 5),
        "what is open ends with the last record"
    );
}
