//! The calls of a program on the ends of its connections.

use crate::kernel::sim::Dice;

/// A call of a program. A side is one end of a connection, by its number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    Connect,
    ConnectToNobody,
    Accept,
    Send(usize, usize),
    /// The same as three slices, one of them empty.
    SendSlices(usize, usize),
    /// Sends as much as the kernel takes, and receives it all on the other side.
    Flood(usize),
    /// Sends as much as the kernel takes.
    Fill(usize),
    /// Receives all that has been sent.
    Drain(usize),
    /// Sends a byte of urgent data, the first time.
    SendUrgent(usize),
    Receive(usize, usize),
    HasMore(usize),
    Connected(usize),
    HasPeer(usize),
    ShutDown(usize),
    Close(usize),
    Reset(usize),
    NoDelay(usize),
    /// With this many seconds to the first probe.
    KeepAlive(usize, u64),
    /// Sets it, if a value is given, and reads it.
    TypeOfService(usize, Option<u8>),
    /// The listener takes no new connections.
    Refuse,
    CloseListener,
}

impl Call {
    pub(super) fn next(dice: &mut Dice, sides: usize) -> Call {
        let side = dice.below(sides);
        let count = match dice.one_in(20) {
            true => 0,
            false => 1 + dice.below(2000),
        };
        match dice.below(if sides == 0 { 3 } else { 43 }) {
            0 => Call::Connect,
            1 if dice.one_in(3) => Call::ConnectToNobody,
            1..=6 => Call::Accept,
            7..=14 => Call::Send(side, count),
            15 | 16 => Call::SendSlices(side, count),
            17..=24 => Call::Receive(side, count),
            25 | 26 => Call::HasMore(side),
            27 => Call::Connected(side),
            28 => Call::SendUrgent(side),
            29 | 30 => Call::HasPeer(side),
            31 | 32 => Call::ShutDown(side),
            33 | 34 => Call::Close(side),
            35 => Call::Reset(side),
            36 => match dice.below(4) {
                0 => Call::NoDelay(side),
                1 => Call::KeepAlive(side, dice.below(3) as u64 * 40_000),
                2 => Call::TypeOfService(side, None),
                _ => Call::TypeOfService(side, Some(dice.below(256) as u8)),
            },
            37 if dice.one_in(4) => Call::CloseListener,
            38 if dice.one_in(4) => Call::Flood(side),
            39 if dice.one_in(4) => Call::Refuse,
            40 if dice.one_in(2) => Call::Fill(side),
            41 | 42 => Call::Drain(side),
            _ => Call::Connect,
        }
    }
}
