//! Scenarios and variables, which Artillery profiles and faaslens's own write alike.

use serde_json::Value;

use super::Scenario;
use super::keys::{self, Keys};
use super::node::{Kind, Node, Source};
use super::steps::{Compiler, hooks};
use crate::error::Result;

/// Reads `scenarios`.
pub(super) fn read<'a>(compiler: &mut Compiler<'a>, node: &'a Node) -> Result<Vec<Scenario>> {
    let nodes = keys::list(compiler.source, "scenarios", node)?;
    nodes.into_iter().enumerate().map(|(i, node)| one(compiler, node, i)).collect()
}

fn one<'a>(compiler: &mut Compiler<'a>, node: &'a Node, number: usize) -> Result<Scenario> {
    let source = compiler.source;
    let mut keys = Keys::open(source, "scenario", node)?;
    let name = keys.read("name", keys::text)?.unwrap_or_else(|| number.to_string());
    let weight = keys.read("weight", keys::number)?.unwrap_or(1.0);
    keys.take("engine").map_or(Ok(()), |node| match node.text() {
        Some("http") => Ok(()),
        _ => Err(source.error(node.line, "engine", format!("expected http, found {}", node.found()))),
    })?;
    compiler.before = keys.read("beforeRequest", hooks)?.unwrap_or_default();
    compiler.after = keys.read("afterResponse", hooks)?.unwrap_or_default();
    let flow = compiler.scenario(&name, keys.need("flow")?)?;
    keys.finish("name, weight, flow, beforeRequest, afterResponse")?;
    Ok(Scenario { name, weight, flow })
}

/// Reads `variables`: names with the values that each user draws one of.
pub(super) fn variables(source: &Source, node: &Node) -> Result<Vec<(String, Vec<Value>)>> {
    let values = |node: &Node| match (&node.kind, node.to_json()) {
        (Kind::List(_), Value::Array(values)) => values,
        (_, value) => vec![value],
    };
    let entries = keys::entries(source, "variables", node)?;
    Ok(entries.into_iter().map(|(name, node)| (name.to_owned(), values(node))).collect())
}
