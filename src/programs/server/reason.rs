//! Why a connection is not served, in the words of the metrics and of the log.

/// Why a connection was not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Limit,
    PerPeer,
    Denied,
    NotAllowed,
    NoHeader,
    LateHeader,
    /// Before a PROXY header.
    Closed,
    PartOfHeader,
    /// Before its PROXY header was whole.
    Failed,
}

impl Reason {
    pub(super) const ALL: [Reason; 9] = [
        Reason::Limit,
        Reason::PerPeer,
        Reason::Denied,
        Reason::NotAllowed,
        Reason::NoHeader,
        Reason::LateHeader,
        Reason::Closed,
        Reason::PartOfHeader,
        Reason::Failed,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Reason::Limit => "max_connections",
            Reason::PerPeer => "max_connections_per_peer",
            Reason::Denied => "deny",
            Reason::NotAllowed => "allow",
            Reason::NoHeader => "proxy_header",
            Reason::LateHeader => "proxy_timeout",
            Reason::Closed => "proxy_closed",
            Reason::PartOfHeader => "proxy_partial",
            Reason::Failed => "proxy_error",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Reason::Limit => "the limit of connections is reached",
            Reason::PerPeer => "the limit of connections of one peer is reached",
            Reason::Denied => "the address is denied",
            Reason::NotAllowed => "the address is not among those allowed",
            Reason::NoHeader => "it does not begin with a PROXY header",
            Reason::LateHeader => "its PROXY header has not come in time",
            Reason::Closed => "it has closed without a PROXY header",
            Reason::PartOfHeader => "it has closed within its PROXY header",
            Reason::Failed => "it has failed before its PROXY header was whole",
        }
    }
}
