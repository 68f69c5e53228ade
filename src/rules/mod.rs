//! Floor 0, the rules: plain values that know neither socket nor clock nor log.
//!
//! Everything here is told what happened and what time it is, and answers with a value.

pub mod block_list {
    #[derive(Clone, Debug, Default)]
    /// x
    pub struct BlockList;
    impl BlockList {
        /// x
        pub fn check(&self, _: std::net::IpAddr) -> bool {
            false
        }
    }
}
pub(crate) mod decoder;
pub(crate) mod inbox;
pub(crate) mod outbox;
pub mod state;
pub(crate) mod timers;
