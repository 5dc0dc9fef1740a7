//! What a record says and what it is about.

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// First line of a new executor.
    ColdStart,
    /// An HTTP request reached the function.
    Request,
    /// Start mark of an operation.
    Start,
    /// End mark of an operation.
    End,
    /// An operation with its duration.
    Measure,
    /// Any other mark.
    Mark,
    /// The load generator sent a request.
    ClientBefore,
    /// The load generator got a response.
    ClientAfter,
}

impl Kind {
    /// Every kind, in order of its number.
    pub const NAMES: [&'static str; 8] =
        ["cold_start", "request", "start", "end", "measure", "mark", "client_before", "client_after"];
    const ALL: [Self; 8] = [
        Self::ColdStart,
        Self::Request,
        Self::Start,
        Self::End,
        Self::Measure,
        Self::Mark,
        Self::ClientBefore,
        Self::ClientAfter,
    ];

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().zip(Self::NAMES).find_map(|(kind, known)| (known == name).then_some(kind))
    }
}

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    /// Handler of a call.
    RpcIn,
    /// Handler of a routed HTTP request.
    Route,
    /// Handler of an event.
    Msg,
    /// A call to another function.
    RpcOut,
    /// A database operation.
    Db,
    /// Anything else.
    Custom,
}

impl Op {
    /// Every operation, in order of its number.
    pub const NAMES: [&'static str; 6] = ["rpc_in", "route", "msg", "rpc_out", "db", "custom"];

    const ALL: [Self; 6] = [Self::RpcIn, Self::Route, Self::Msg, Self::RpcOut, Self::Db, Self::Custom];

    /// The operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().zip(Self::NAMES).find_map(|(op, known)| (known == name).then_some(op))
    }
}

/// What an entry is about, the method of a route, and what follows the operation's name.
pub(super) fn operation_of(operation: &str) -> (Op, Option<&'static str>, &str) {
    /// Operations that name something, and the method of those that are routes.
    const NAMING: [(&str, Op, Option<&str>); 8] = [
        ("dbOut:", Op::Db, None),
        ("rpcOut:", Op::RpcOut, None),
        ("get:", Op::Route, Some("GET")),
        ("post:", Op::Route, Some("POST")),
        ("put:", Op::Route, Some("PUT")),
        ("patch:", Op::Route, Some("PATCH")),
        ("del:", Op::Route, Some("DELETE")),
        ("all:", Op::Route, Some("ALL")),
    ];
    match operation {
        "rpcIn" | "rpcIn:" => return (Op::RpcIn, None, ""),
        "msg" | "msg:" => return (Op::Msg, None, ""),
        _ => {}
    }
    for (name, op, method) in NAMING {
        if let Some(tail) = operation.strip_prefix(name).filter(|tail| !tail.is_empty()) {
            return (op, method, tail);
        }
    }
    (Op::Custom, None, operation)
}
