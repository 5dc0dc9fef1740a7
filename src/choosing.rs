//! Conditions on the rows that figures are drawn from, in SQL.
//!
//! A condition is one expression over the columns of a figure's table (the first that it `needs`), with `run` and the run's labels
//! as `label_<key>`. It may come out of a file that somebody else wrote: SQLite's authorizer refuses everything but reading that
//! table and functions whose value depends on their arguments alone, so a figure is the same every time.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use faaslens_report::figures::Figure;
use faaslens_report::{RowChoice, RunTables};
use faaslens_schemas::arrow::array::RecordBatch;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, params_from_iter};

use crate::catalog::{declared_type, label_column, quoted, reader};
use crate::outcome::wrong_use;

/// Functions that a condition may call.
const FUNCTIONS: &[&str] = &[
    "abs", "ceil", "coalesce", "floor", "glob", "ifnull", "iif", "instr", "length", "like", "ln", "log10", "lower",
    "ltrim", "max", "min", "nullif", "replace", "round", "rtrim", "substr", "trim", "upper",
];

/// The rows of the figures' tables that fit a condition.
///
/// # Errors
/// Wrong use when the condition is no expression over a figure's table; the message names its columns.
pub(crate) fn rows(condition: &str, figures: &[&Figure], runs: &[RunTables]) -> anyhow::Result<RowChoice> {
    let tables: BTreeSet<&'static str> = figures.iter().filter_map(|figure| figure.needs.first().copied()).collect();
    let mut kept = BTreeMap::new();
    for run in runs {
        for &table in &tables {
            let batch = run.rows_of(table)?.with_context(|| format!("table {table} cannot be chosen from"))?;
            let labels = &run.manifest.labels;
            let fits = Rows { table, run: run.id(), labels, batch: &batch }.that_fit(condition)?;
            kept.insert((run.id().to_owned(), table), fits);
        }
    }
    Ok(RowChoice { condition: condition.split_whitespace().collect::<Vec<_>>().join(" "), kept })
}

/// Rows of one table of one run.
struct Rows<'a> {
    table: &'static str,
    run: &'a str,
    labels: &'a BTreeMap<String, String>,
    batch: &'a RecordBatch,
}

impl Rows<'_> {
    fn that_fit(&self, condition: &str) -> anyhow::Result<Vec<bool>> {
        let mut database = self.load()?;
        let table = self.table;
        // As a column, not after WHERE: a bracket too many cannot begin another clause. The line ends end comments.
        let sql = format!("SELECT (\n{condition}\n) IS TRUE FROM {} ORDER BY rowid", quoted(table));
        let mut selects = 0;
        database.authorizer(Some(move |context: AuthContext<'_>| match context.action {
            AuthAction::Read { table_name, .. } if table_name == table => Authorization::Allow,
            AuthAction::Function { function_name } if FUNCTIONS.contains(&function_name) => Authorization::Allow,
            AuthAction::Select => {
                selects += 1;
                if selects == 1 { Authorization::Allow } else { Authorization::Deny }
            }
            _ => Authorization::Deny,
        }))?;
        let refused = |error: rusqlite::Error| wrong_use(self.explain(condition, &error.to_string()));
        let mut statement = database.prepare(&sql).map_err(refused)?;
        if statement.column_count() != 1 {
            return Err(wrong_use(self.explain(condition, "expected one expression")));
        }
        let fits = statement.query_map([], |row| row.get(0)).map_err(refused)?;
        let fits = fits.collect::<rusqlite::Result<Vec<bool>>>().map_err(refused)?;
        if fits.len() != self.batch.num_rows() {
            return Err(wrong_use(self.explain(condition, "expected a condition on each row")));
        }
        Ok(fits)
    }

    fn load(&self) -> anyhow::Result<Connection> {
        let database = Connection::open("").context("cannot make a temporary database")?;
        let schema = self.batch.schema();
        let mut definitions = vec!["\"run\" TEXT".to_owned()];
        definitions.extend(self.labels.keys().map(|key| format!("{} TEXT", quoted(&label_column(key)))));
        definitions.extend(
            schema
                .fields()
                .iter()
                .map(|field| format!("{} {}", quoted(field.name()), declared_type(field.data_type()))),
        );
        let name = quoted(self.table);
        database.execute_batch(&format!("CREATE TABLE {name} ({}); BEGIN", definitions.join(", ")))?;
        let places = vec!["?"; definitions.len()].join(", ");
        let mut insert = database.prepare(&format!("INSERT INTO {name} VALUES ({places})"))?;
        let readers: Vec<_> = self
            .batch
            .columns()
            .iter()
            .map(|column| reader(column.as_ref()).context("a column of a type that no table has"))
            .collect::<anyhow::Result<_>>()?;
        for row in 0..self.batch.num_rows() {
            let texts = std::iter::once(self.run).chain(self.labels.values().map(String::as_str));
            let texts = texts.map(|text| ToSqlOutput::Owned(Value::Text(text.to_owned())));
            insert.execute(params_from_iter(texts.chain(readers.iter().map(|read| read(row)))))?;
        }
        drop(insert);
        database.execute_batch("COMMIT")?;
        Ok(database)
    }

    fn explain(&self, condition: &str, error: &str) -> String {
        let schema = self.batch.schema();
        let labels = self.labels.keys().map(|key| label_column(key));
        let columns: Vec<String> = std::iter::once("run".to_owned())
            .chain(labels)
            .chain(schema.fields().iter().map(|field| field.name().clone()))
            .collect();
        let columns = columns.join(", ");
        // SQLite quotes the whole statement, of which the user wrote a part.
        let error = error.split(" in SELECT").next().unwrap_or(error);
        format!("condition {condition:?} on table {}: {error}; its columns are {columns}", self.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faaslens_report::figures::by_name;
    use faaslens_schemas::manifest::Manifest;
    use faaslens_schemas::tables::TukeyBox;

    fn chosen(condition: &str) -> anyhow::Result<Vec<bool>> {
        let tukey = |provider: &str, n, function: Option<&str>| TukeyBox {
            provider: provider.into(),
            n,
            function: function.map(Into::into),
            ..TukeyBox::default()
        };
        let mut manifest = Manifest::new("r", 1);
        manifest.labels.insert("site".to_owned(), "lab".to_owned());
        let boxes = vec![tukey("aws", 3, Some("a")), tukey("azure", 30, Some("b")), tukey("aws", 300, None)];
        let run = RunTables { boxes, ..RunTables::new(manifest) };
        let figure = by_name("execution-duration").expect("a figure");
        let choice = rows(condition, &[figure], &[run])?;
        Ok(choice.kept[&("r".to_owned(), "boxes")].clone())
    }

    #[test]
    fn conditions_choose_rows_and_unknown_is_not_true() {
        let cases = [
            ("provider = 'aws'", [true, false, true]),
            ("n > 10 AND provider IN ('aws', 'azure')", [false, true, true]),
            ("function <> 'a'", [false, true, false]),
            ("run = 'r' AND label_site = 'lab' -- all", [true, true, true]),
            ("upper(provider) LIKE '%ZU%'", [false, true, false]),
        ];
        for (condition, expected) in cases {
            assert_eq!(chosen(condition).expect(condition), expected, "{condition}");
        }
    }

    #[test]
    fn whatever_is_no_condition_on_the_rows_of_the_table_is_refused() {
        for condition in [
            "",
            "nothing = 1",
            "1) LIMIT (1",
            "1) FROM boxes WHERE (1",
            "1), (2",
            "1; DROP TABLE boxes",
            "max(n)",
            "count(*)",
            "n = random()",
            "date('now') > ''",
            "(SELECT 1)",
            "EXISTS (SELECT 1 FROM sqlite_master)",
            "n IN (WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT i FROM r)",
            "load_extension('x')",
            "'",
        ] {
            let error = chosen(condition).expect_err(condition).to_string();
            assert!(error.contains("its columns are run, label_site, measure, provider"), "{condition}: {error}");
        }
    }
}
