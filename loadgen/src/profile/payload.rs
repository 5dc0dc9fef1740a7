//! CSV files whose rows become variables.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::file::read_file;
use super::keys::{self, Keys};
use super::node::{Node, Source};
use super::template::Variables;
use crate::error::Result;
use crate::random::Random;

/// Rows of a CSV file at most.
const MAX_ROWS: usize = 10_000_000;

/// A CSV file.
#[derive(Debug)]
pub struct Payload {
    fields: Vec<String>,
    rows: Vec<Vec<String>>,
    order: Order,
}

#[derive(Debug)]
enum Order {
    /// Each user draws a row.
    Random,
    /// Each user takes the next row.
    Sequence(AtomicUsize),
    /// Each user has all rows, under this name.
    All(String, Arc<Value>),
}

impl Payload {
    /// Gives a virtual user its variables.
    pub(crate) fn fill(&self, variables: &mut Variables, random: &mut Random) {
        let row = match &self.order {
            Order::All(name, rows) => return variables.set(name, Value::clone(rows)),
            Order::Random => self.rows.get(random.below(self.rows.len())),
            Order::Sequence(next) => self.rows.get(next.fetch_add(1, Ordering::Relaxed) % self.rows.len().max(1)),
        };
        for (field, value) in self.fields.iter().zip(row.into_iter().flatten()) {
            variables.set(field, Value::String(value.clone()));
        }
    }

    /// Rows of the file where all of them are the variable `name`.
    pub(crate) fn rows_of(&self, name: &str) -> Option<u64> {
        matches!(&self.order, Order::All(all, _) if all == name).then_some(self.rows.len() as u64)
    }

    /// The variables it gives.
    pub(crate) fn names(&self) -> Vec<&str> {
        match &self.order {
            Order::All(name, _) => vec![name],
            _ => self.fields.iter().map(String::as_str).collect(),
        }
    }
}

/// Reads `payload`: one map or a list of them.
pub(super) fn read(source: &Source, node: &Node, folder: &Path) -> Result<Vec<Payload>> {
    keys::items(node).into_iter().map(|item| one(source, item, folder)).collect()
}

fn one(source: &Source, node: &Node, folder: &Path) -> Result<Payload> {
    let mut keys = Keys::open(source, "payload", node)?;
    let path_node = keys.need("path")?;
    let path = folder.join(keys::text(source, "path", path_node)?);
    let field_nodes = keys.read("fields", keys::list)?.unwrap_or_default();
    let fields = field_nodes.iter().map(|node| keys::text(source, "fields", node)).collect::<Result<Vec<_>>>()?;
    let skip = keys.read("skipHeader", keys::truth)?.unwrap_or(false);
    let all = keys.read("loadAll", keys::truth)?.unwrap_or(false);
    let name = keys.read("name", keys::text)?;
    let delimiter = keys.read("delimiter", keys::text)?.unwrap_or_else(|| ",".to_owned());
    let order = keys.take("order").map(|node| (node, keys::text(source, "order", node)));
    keys.read("cast", keys::truth)?;
    keys.finish("path, fields, order, skipHeader, delimiter, loadAll, name")?;
    let rows = rows(source, path_node.line, &path, skip, &delimiter)?;
    let order = match (order, all, name) {
        (None, true, Some(name)) => Order::All(name, Arc::new(as_objects(&fields, &rows))),
        (None, true, None) => {
            return Err(source.error(node.line, "loadAll", "expected a name for all rows, found none"));
        }
        (None, false, _) => Order::Random,
        (Some((node, text)), ..) => match &*text? {
            "random" => Order::Random,
            "sequence" => Order::Sequence(AtomicUsize::new(0)),
            _ => {
                let message = format!("expected random or sequence, found {}", node.found());
                return Err(source.error(node.line, "order", message));
            }
        },
    };
    Ok(Payload { fields, rows, order })
}

fn rows(source: &Source, line: usize, path: &Path, skip: bool, delimiter: &str) -> Result<Vec<Vec<String>>> {
    let refuse = |message: String| source.error(line, "path", format!("{}: {message}", path.display()));
    let [delimiter] = delimiter.as_bytes() else {
        return Err(source.error(line, "delimiter", "expected one character"));
    };
    let content = read_file(path).map_err(|error| refuse(error.to_string()))?;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(*delimiter).from_reader(&content[..]);
    let mut rows = Vec::new();
    for record in reader.records().skip(usize::from(skip)) {
        let record = record.map_err(|error| refuse(error.to_string()))?;
        rows.push(record.iter().map(str::to_owned).collect());
        if rows.len() > MAX_ROWS {
            return Err(refuse(format!("expected at most {MAX_ROWS} rows, found more")));
        }
    }
    Ok(rows)
}

fn as_objects(fields: &[String], rows: &[Vec<String>]) -> Value {
    let text = |value: &String| Value::String(value.clone());
    let object = |row: &Vec<String>| {
        if fields.is_empty() {
            return Value::Array(row.iter().map(text).collect());
        }
        Value::Object(fields.iter().cloned().zip(row.iter().map(text)).collect())
    };
    Value::Array(rows.iter().map(object).collect())
}
