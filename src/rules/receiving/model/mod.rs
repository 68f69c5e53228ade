//! All rules at once: random programs, checked against Node's own code.

mod node;
mod ours;
mod program;

use self::node::Node;
use self::ours::Ours;
use self::program::{Op, Told};
use super::Receiving;

/// How many random programs, and how long each is.
const PROGRAMS: u64 = 2_000;
const STEPS: usize = 40;

struct Pair {
    node: Node,
    ours: Ours,
    state: u64,
    next_byte: u8,
    trail: Vec<String>,
}

impl Pair {
    fn new(seed: u64) -> Pair {
        let mut pair = Pair {
            node: Node::default(),
            ours: Ours::default(),
            state: seed * 2 + 1,
            next_byte: 0,
            trail: Vec::new(),
        };
        let mark = [1, 4, 16, 64][pair.below(4)];
        pair.node.high_water_mark = mark;
        pair.ours.kept.set_mark(mark);
        match pair.below(3) {
            // It is connected later.
            0 => {}
            accepted => {
                pair.node.is_connected = true;
                pair.ours.is_connected = true;
                pair.ours.receiving = Receiving::accepted(accepted == 1);
                if accepted == 1 {
                    pair.node.has_flowing = true;
                } else {
                    pair.node.read(Some(0));
                }
            }
        }
        pair
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as usize % bound
    }

    fn op(&mut self) -> Op {
        match self.below(20) {
            0..3 => Op::Pause,
            3..6 => Op::Resume,
            6 | 7 => Op::AddData,
            8 => Op::RemoveData,
            9 | 10 => Op::AddReadable,
            11 | 12 => Op::RemoveReadable,
            13..15 => Op::Read(Some(self.below(3) * self.below(12))),
            15..18 => Op::Read(None),
            _ => Op::Unshift(1 + self.below(10)),
        }
    }

    fn step(&mut self) {
        for _ in 0..self.below(3) {
            let plan: Vec<Op> = (0..self.below(3)).map(|_| self.op()).collect();
            self.trail.push(format!("in an event to come: {plan:?}"));
            self.node.program.plans.push_back(plan.clone());
            self.ours.program.plans.push_back(plan);
        }
        let is_read = self.node.handle_reading;
        match self.below(6) {
            0 if !self.node.is_connected => {
                self.trail.push("connect".into());
                self.node.connect();
                self.ours.connect();
            }
            0..3 if is_read => {
                let chunk: Vec<u8> = (0..=self.below(8)).map(|_| self.byte()).collect();
                self.trail.push(format!("{} bytes come", chunk.len()));
                self.node.chunk(chunk.clone());
                self.ours.chunk(chunk);
            }
            3 if is_read && self.below(8) == 0 => {
                self.trail.push("the peer ends".into());
                self.node.eof();
                self.ours.eof();
            }
            _ => {
                let ops: Vec<Op> = (0..=self.below(3)).map(|_| self.op()).collect();
                self.trail.push(format!("{ops:?}"));
                self.node.run(&ops);
                self.ours.run(&ops);
            }
        }
        self.node.drain();
        self.ours.drain();
    }

    fn byte(&mut self) -> u8 {
        self.next_byte = self.next_byte.wrapping_add(1);
        self.next_byte
    }

    /// Where the two differ, if they do.
    fn difference(&self) -> Option<String> {
        let (node, ours) = (&self.node, &self.ours);
        let (receiving, kept) = (&ours.receiving, &ours.kept);
        let theirs = View {
            told: node.program.told.clone(),
            pauses: node.program.pauses,
            length: node.length(),
            mark: node.high_water_mark,
            flowing: node.has_flowing.then_some(node.flowing),
            is_paused: node.is_paused(),
            reads_kernel: node.handle_reading,
            has_asked: node.reading,
            wants_readable: node.need_readable,
        };
        let ours = View {
            told: ours.program.told.clone(),
            pauses: ours.program.pauses,
            length: kept.len(),
            mark: kept.mark(),
            flowing: receiving.flow().is_flowing(),
            is_paused: receiving.flow().is_paused(),
            reads_kernel: receiving.reads_kernel(),
            has_asked: receiving.has_asked(),
            wants_readable: receiving.states.notice.is_wanted(),
        };
        (ours != theirs).then(|| format!("ours {ours:?}\nnode {theirs:?}"))
    }
}

/// What is compared after each drain.
#[derive(Debug, PartialEq)]
struct View {
    told: Vec<Told>,
    pauses: usize,
    length: usize,
    mark: usize,
    flowing: Option<bool>,
    is_paused: bool,
    reads_kernel: bool,
    has_asked: bool,
    wants_readable: bool,
}

#[test]
fn random_programs_receive_as_by_nodes_own_code() {
    let mut chunks = 0;
    let mut shortest: Option<(usize, String)> = None;
    for seed in 0..PROGRAMS {
        let mut pair = Pair::new(seed);
        for _ in 0..STEPS {
            pair.step();
            let Some(difference) = pair.difference() else {
                continue;
            };
            let length = pair.trail.len();
            if shortest.as_ref().is_none_or(|(best, _)| length < *best) {
                let trail = pair.trail.join("\n");
                shortest = Some((length, format!("seed {seed}:\n{trail}\n{difference}")));
            }
            break;
        }
        let is_data = |told: &&Told| matches!(told, Told::Data(_));
        chunks += pair.ours.program.told.iter().filter(is_data).count();
    }
    if let Some((_, report)) = shortest {
        panic!("{report}");
    }
    assert!(chunks > 10_000, "only {chunks} chunks were emitted");
}
