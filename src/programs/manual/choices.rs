//! Options that several commands have.

use super::{Choice, Value};

pub(super) const fn choice(name: &'static str, value: Value, help: &'static str) -> Choice {
    Choice {
        name,
        value,
        help,
        is_repeated: false,
    }
}

pub(super) const fn repeated(name: &'static str, value: Value, help: &'static str) -> Choice {
    Choice {
        is_repeated: true,
        ..choice(name, value, help)
    }
}

pub(super) const HELP: Choice = choice("help", Value::None, "print this text");
pub(super) const TRACE: Choice = choice(
    "trace",
    Value::None,
    "print on standard error what the loop does",
);
pub(super) const PATH: Choice = choice(
    "path",
    Value::Path,
    "a Unix-domain socket, instead of host and port",
);
pub(super) const HTML: Choice = choice(
    "html",
    Value::Path,
    "write it to a file as a page, to step through",
);
pub(super) const RECORD: Choice = choice(
    "record",
    Value::Path,
    "write what the loop does, as JSON Lines",
);
pub(super) const SEED: Choice = choice(
    "seed",
    Value::Number,
    "run on a simulated kernel, with the seed N",
);
pub(super) const PAYLOADS: Choice = choice(
    "payloads",
    Value::Bytes,
    "record the first BYTES of each write and chunk",
);
