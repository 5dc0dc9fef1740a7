// Checks questions of faaslens with Microsoft's own parser and binder of the Kusto query language.
//
//     node kusto.cjs NODE_MODULES < QUESTIONS      (a JSON array of texts)
//
// Prints one line of JSON for each: its diagnostics and the columns that an answer has. The tables are those of the public
// reference of Azure Monitor, as far as the questions need them.
const { createRequire } = require('node:module');
const from = createRequire(`${process.argv[2]}/`);
from('@kusto/language-service-next/bridge.min.js');
from('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

const TABLES = {
  AppTraces: `(TimeGenerated: datetime, Message: string, SeverityLevel: int, Properties: dynamic, OperationId: string,
    OperationName: string, AppRoleName: string, AppRoleInstance: string, ItemCount: int)`,
  AppRequests: `(TimeGenerated: datetime, Id: string, Name: string, Success: bool, ResultCode: string, DurationMs: real,
    Properties: dynamic, OperationId: string, OperationName: string, AppRoleName: string, AppRoleInstance: string,
    ItemCount: int)`,
  FunctionAppLogs: `(TimeGenerated: datetime, Message: string, Level: string, FunctionName: string,
    FunctionInvocationId: string, HostInstanceId: string, ActivityId: string, AppName: string, ExceptionDetails: string)`,
  traces: `(timestamp: datetime, message: string, severityLevel: int, customDimensions: dynamic, operation_Id: string,
    operation_Name: string, cloud_RoleName: string, cloud_RoleInstance: string, itemCount: int)`,
  requests: `(timestamp: datetime, id: string, name: string, success: string, resultCode: string, duration: real,
    customDimensions: dynamic, operation_Id: string, operation_Name: string, cloud_RoleName: string,
    cloud_RoleInstance: string, itemCount: int)`,
};

const list = (items) => Array.from({ length: items.Count ?? items.length }, (_, n) => (items.getItem ? items.getItem(n) : items[n]));
const tables = Object.entries(TABLES).map(([name, columns]) => Symbols.TableSymbol.From(columns).WithName(name));
const database = new Symbols.DatabaseSymbol.ctor('workspace', tables);
const globals = GlobalState.Default.WithDatabase(database);

let text = '';
process.stdin.on('data', (piece) => (text += piece));
process.stdin.on('end', () => {
  for (const question of JSON.parse(text)) {
    const code = KustoCode.ParseAndAnalyze(question, globals);
    const diagnostics = list(code.GetDiagnostics()).map((one) => `${one.Severity}: ${one.Message}`);
    const columns = list(code.ResultType?.Columns ?? []).map((column) => column.Name);
    console.log(JSON.stringify({ diagnostics, columns }));
  }
});
