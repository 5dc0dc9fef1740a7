//! The tables of Azure that hold what functions log, and the questions (KQL) that are asked about them.

use crate::living::Window;
use crate::{Error, Result};

/// Columns of every answer, in order; the question's own column follows.
pub(super) const COLUMNS: [&str; 11] =
    ["At", "Message", "Level", "Function", "Id", "Host", "Trace", "Status", "DurationMs", "Items", "Ingested"];

/// Whose tables are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// A Log Analytics workspace.
    Workspace,
    /// A classic Application Insights resource.
    Application,
}

/// A table, with its names for what every answer has.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    scope: Scope,
    /// The column of time.
    time: &'static str,
    /// The column of the app's name.
    app: &'static str,
    /// The column of the function's name.
    function: &'static str,
    /// [`COLUMNS`] of it, in KQL.
    pub(super) columns: &'static str,
    /// Kind of its rows in `platform_records`; `None` for rows that are lines of log.
    pub(super) kind: Option<&'static str>,
}

/// Every table. A new one is one more here.
static TABLES: [Table; 5] = [
    Table {
        name: "AppTraces",
        scope: Scope::Workspace,
        time: "TimeGenerated",
        app: "AppRoleName",
        function: "OperationName",
        columns: "At=TimeGenerated, Message, Level=iff(isnotempty(tostring(Properties.LogLevel)), \
                  tostring(Properties.LogLevel), tostring(dynamic([\"Verbose\", \"Information\", \"Warning\", \"Error\", \
                  \"Critical\"])[toint(SeverityLevel)])), Function=OperationName, Id=tostring(Properties.InvocationId), \
                  Host=AppRoleInstance, Trace=OperationId, Status=\"\", DurationMs=real(null), Items=toreal(ItemCount), \
                  Ingested=ingestion_time()",
        kind: None,
    },
    Table {
        name: "AppRequests",
        scope: Scope::Workspace,
        time: "TimeGenerated",
        app: "AppRoleName",
        function: "Name",
        columns: "At=TimeGenerated, Message=strcat(\"resultCode: \", ResultCode), Level=\"\", Function=Name, \
                  Id=iff(isnotempty(tostring(Properties.InvocationId)), tostring(Properties.InvocationId), Id), \
                  Host=AppRoleInstance, Trace=OperationId, Status=iff(Success, \"Succeeded\", \"Failed\"), DurationMs, \
                  Items=toreal(ItemCount), Ingested=ingestion_time()",
        kind: Some("request"),
    },
    Table {
        name: "FunctionAppLogs",
        scope: Scope::Workspace,
        time: "TimeGenerated",
        app: "AppName",
        function: "FunctionName",
        columns: "At=TimeGenerated, Message=iff(isempty(ExceptionDetails), Message, strcat(Message, \"\\n\", \
                  ExceptionDetails)), Level, Function=FunctionName, Id=FunctionInvocationId, Host=HostInstanceId, \
                  Trace=ActivityId, Status=\"\", DurationMs=real(null), Items=real(1), Ingested=ingestion_time()",
        kind: None,
    },
    Table {
        name: "traces",
        scope: Scope::Application,
        time: "timestamp",
        app: "cloud_RoleName",
        function: "operation_Name",
        columns: "At=timestamp, Message=message, Level=iff(isnotempty(tostring(customDimensions.LogLevel)), \
                  tostring(customDimensions.LogLevel), tostring(dynamic([\"Verbose\", \"Information\", \"Warning\", \
                  \"Error\", \"Critical\"])[toint(severityLevel)])), Function=operation_Name, \
                  Id=tostring(customDimensions.InvocationId), Host=cloud_RoleInstance, Trace=operation_Id, Status=\"\", \
                  DurationMs=real(null), Items=toreal(itemCount), Ingested=ingestion_time()",
        kind: None,
    },
    Table {
        name: "requests",
        scope: Scope::Application,
        time: "timestamp",
        app: "cloud_RoleName",
        function: "name",
        columns: "At=timestamp, Message=strcat(\"resultCode: \", resultCode), Level=\"\", Function=name, \
                  Id=iff(isnotempty(tostring(customDimensions.InvocationId)), tostring(customDimensions.InvocationId), \
                  id), Host=cloud_RoleInstance, Trace=operation_Id, Status=iff(success == \"True\", \"Succeeded\", \
                  \"Failed\"), DurationMs=duration, Items=toreal(itemCount), Ingested=ingestion_time()",
        kind: Some("request"),
    },
];

impl Scope {
    /// Name of its selection.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Application => "application",
        }
    }

    /// The word in the API's path.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Workspace => "workspaces",
            Self::Application => "apps",
        }
    }

    /// The API in the public cloud.
    pub(super) fn endpoint(self) -> &'static str {
        match self {
            Self::Workspace => "https://api.loganalytics.azure.com",
            Self::Application => "https://api.applicationinsights.io",
        }
    }

    /// What tokens for an endpoint are asked for: each cloud has a name of its own.
    pub(super) fn audience(self, endpoint: &str) -> String {
        let service = match self {
            Self::Workspace => "loganalytics",
            Self::Application => "applicationinsights",
        };
        let host = endpoint.split("://").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
        let cloud = match host.rsplit('.').next() {
            Some("us") => "us",
            Some("cn") => "azure.cn",
            _ => "io",
        };
        format!("https://api.{service}.{cloud}")
    }

    /// The tables of some names, or all of the scope's.
    ///
    /// # Errors
    /// [`Error::Usage`] for a name that the scope does not have.
    pub(super) fn tables(self, names: &[String]) -> Result<Vec<&'static Table>> {
        let own = || TABLES.iter().filter(|table| table.scope == self);
        if names.is_empty() {
            return Ok(own().collect());
        }
        let mut tables = Vec::new();
        for name in names {
            let Some(table) = own().find(|table| table.name == *name) else {
                let known: Vec<&str> = own().map(|table| table.name).collect();
                return Err(Error::Usage(format!("azure: table {name:?}: expected one of {}", known.join(", "))));
            };
            tables.push(table);
        }
        tables.sort_by_key(|table| table.name);
        tables.dedup_by_key(|table| table.name);
        Ok(tables)
    }
}

impl Table {
    /// The condition that a row lies in a window.
    pub(super) fn within(&self, window: Window) -> String {
        let time = self.time;
        format!("{time} >= datetime({}) and {time} < datetime({})", window.from(), window.until())
    }

    /// The rows that fulfil a condition, of apps and functions whose names begin so.
    pub(super) fn question(&self, condition: &str, app: Option<&str>, function: Option<&str>) -> String {
        let mut text = format!("{}\n| where {condition}", self.name);
        for (column, prefix) in [(self.app, app), (self.function, function)] {
            if let Some(prefix) = prefix {
                text.extend(["\n| where ", column, " startswith \"", prefix, "\""]);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_gives_the_columns_of_all_answers_in_order() {
        for table in &TABLES {
            // Commas within calls and lists do not part columns.
            let (mut depth, mut names, mut start) = (0, Vec::new(), 0);
            for (at, c) in table.columns.char_indices().chain([(table.columns.len(), ',')]) {
                match c {
                    '(' | '[' => depth += 1,
                    ')' | ']' => depth -= 1,
                    ',' if depth == 0 => {
                        names.push(table.columns[start..at].trim().split('=').next().unwrap_or_default());
                        start = at + 1;
                    }
                    _ => {}
                }
            }
            assert_eq!(names, COLUMNS, "{}", table.name);
        }
    }

    #[test]
    fn each_cloud_has_an_audience_of_its_own() {
        for (endpoint, audience) in [
            ("https://api.loganalytics.azure.com", "https://api.loganalytics.io"),
            ("https://api.loganalytics.us/", "https://api.loganalytics.us"),
            ("https://api.loganalytics.azure.cn", "https://api.loganalytics.azure.cn"),
            ("http://127.0.0.1:8080", "https://api.loganalytics.io"),
        ] {
            assert_eq!(Scope::Workspace.audience(endpoint), audience);
        }
    }

    #[test]
    fn a_table_that_the_scope_does_not_have_is_named_with_those_it_has() {
        let error = Scope::Application.tables(&["AppTraces".to_owned()]).expect_err("refused").to_string();
        assert!(error.contains("AppTraces") && error.contains("traces, requests"), "{error}");
    }
}
