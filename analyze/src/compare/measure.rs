//! What can be compared.

/// One kind of measured time, in ms.
///
/// In the order in which equally strong evidence is listed: functions first, as they name the cause, then what rests on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Execution duration of a function.
    ExecutionDuration,
    /// Network time between two providers: a round trip.
    NetworkTime,
    /// Trigger delay between two providers.
    TriggerDelay,
    /// Response time of a label of the load generator.
    ResponseTime,
    /// Execution duration of an entry route's root.
    Root,
    /// The client's elapsed time of an entry route.
    Client,
    /// Compute on the critical path of an entry route.
    Compute,
    /// Network on the critical path of an entry route.
    Network,
    /// Database on the critical path of an entry route.
    Database,
    /// Cold start on the critical path of an entry route.
    Cold,
}

impl Measure {
    /// Measures of entry routes with their columns in `traces`.
    pub(super) const OF_ROUTES: &'static [(Self, &'static str)] = &[
        (Self::Root, "root_ms"),
        (Self::Client, "client_ms"),
        (Self::Compute, "compute_ms"),
        (Self::Network, "network_ms"),
        (Self::Database, "db_ms"),
        (Self::Cold, "cold_ms"),
    ];

    /// As in the column `comparisons.measure`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExecutionDuration => "execution duration",
            Self::NetworkTime => "network time",
            Self::TriggerDelay => "trigger delay",
            Self::ResponseTime => "response time",
            Self::Root => "root",
            Self::Client => "client",
            Self::Compute => "compute",
            Self::Network => "network",
            Self::Database => "db",
            Self::Cold => "cold",
        }
    }

    /// Whether it is a part of an entry route's time.
    pub(super) fn is_share(self) -> bool {
        matches!(self, Self::Compute | Self::Network | Self::Database | Self::Cold)
    }

    /// Whether it is measured at one place, and not summed up over a route from others that are.
    pub(super) fn is_basic(self) -> bool {
        matches!(self, Self::ExecutionDuration | Self::NetworkTime | Self::TriggerDelay | Self::ResponseTime)
    }
}
