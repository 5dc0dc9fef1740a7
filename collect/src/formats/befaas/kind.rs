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

/// What the name of a mark says: `start:rpcOut:FUNCTION:PAIR` and the like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mark<'a> {
    pub(super) kind: Kind,
    pub(super) op: Op,
    /// Method of a route.
    pub(super) method: Option<&'static str>,
    pub(super) target: Option<&'a str>,
    pub(super) callee_pair_id: Option<&'a str>,
}

impl<'a> Mark<'a> {
    /// Takes a name apart; `is_measure` where the entry is one that the name need not say.
    #[inline]
    pub(super) fn of(name: &'a str, is_measure: bool) -> Self {
        let (kind, operation) = if let Some(rest) = name.strip_prefix("start:") {
            (Kind::Start, rest)
        } else if let Some(rest) = name.strip_prefix("end:") {
            (Kind::End, rest)
        } else if let Some(rest) = name.strip_prefix("measure:") {
            (Kind::Measure, rest)
        } else {
            (if is_measure { Kind::Measure } else { Kind::Mark }, name)
        };
        let (op, method, target) = operation_of(operation);
        let end_of_callee = |tail: &str| if op == Op::RpcOut { tail.bytes().rposition(|b| b == b':') } else { None };
        let (target, callee_pair_id) = match target.and_then(|tail| Some((tail, end_of_callee(tail)?))) {
            Some((tail, end)) => (Some(&tail[..end]), Some(&tail[end + 1..])),
            None => (target, None),
        };
        Self { kind, op, method, target, callee_pair_id }
    }
}

/// What an entry is about, the method of a route, and what follows the operation's name.
#[inline]
fn operation_of(operation: &str) -> (Op, Option<&'static str>, Option<&str>) {
    if matches!(operation, "rpcIn" | "rpcIn:") {
        return (Op::RpcIn, None, None);
    }
    for (name, op) in [("dbOut:", Op::Db), ("rpcOut:", Op::RpcOut)] {
        if let Some(tail) = operation.strip_prefix(name).filter(|tail| !tail.is_empty()) {
            return (op, None, Some(tail));
        }
    }
    other_operation(operation)
}

fn other_operation(operation: &str) -> (Op, Option<&'static str>, Option<&str>) {
    const ROUTES: [(&str, &str); 6] =
        [("get:", "GET"), ("post:", "POST"), ("put:", "PUT"), ("patch:", "PATCH"), ("del:", "DELETE"), ("all:", "ALL")];
    if matches!(operation, "msg" | "msg:") {
        return (Op::Msg, None, None);
    }
    for (name, method) in ROUTES {
        if let Some(route) = operation.strip_prefix(name).filter(|route| !route.is_empty()) {
            return (Op::Route, Some(method), Some(route));
        }
    }
    (Op::Custom, None, Some(operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_mark_says_what_it_is_about() {
        let of = |name| {
            let mark = Mark::of(name, false);
            (mark.kind, mark.op, mark.method, mark.target, mark.callee_pair_id)
        };
        assert_eq!(of("start:rpcIn"), (Kind::Start, Op::RpcIn, None, None, None));
        assert_eq!(of("end:rpcIn:"), (Kind::End, Op::RpcIn, None, None, None));
        assert_eq!(of("measure:msg"), (Kind::Measure, Op::Msg, None, None, None));
        assert_eq!(of("start:dbOut:get"), (Kind::Start, Op::Db, None, Some("get"), None));
        assert_eq!(of("start:get:/cart"), (Kind::Start, Op::Route, Some("GET"), Some("/cart"), None));
        assert_eq!(of("start:rpcOut:a:b:c-d"), (Kind::Start, Op::RpcOut, None, Some("a:b"), Some("c-d")));
        assert_eq!(of("start:rpcOut:a"), (Kind::Start, Op::RpcOut, None, Some("a"), None));
        assert_eq!(of("end:rpcOut:"), (Kind::End, Op::Custom, None, Some("rpcOut:"), None));
        assert_eq!(of("paid"), (Kind::Mark, Op::Custom, None, Some("paid"), None));
        assert_eq!(Mark::of("paid", true).kind, Kind::Measure);
    }
}
