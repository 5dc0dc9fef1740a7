//! A server for one reader: the page over a whole store, read-only.
//!
//! Every address begins with a random token. The page, its tables and its figures are rendered once, at the start; what it
//! explores of a run is encoded once a run and kept compressed; a trace is read from the store when it is asked for. No
//! address is ever a path: files come from what was rendered, runs and tables from the manifests.

mod answers;
mod guard;
mod rows;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use faaslens_report::OutputFile;
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use tokio::net::TcpListener;

use crate::progress::interrupted;

/// How often the server looks whether the user interrupted.
const INTERRUPTION_EVERY: Duration = Duration::from_millis(100);

/// What is served.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) manifests: Vec<Manifest>,
    /// Files of the report by path.
    files: BTreeMap<String, Vec<u8>>,
    /// What the page explores of each run, compressed, once it was asked for.
    explored: Vec<OnceLock<Vec<u8>>>,
    /// First part of every address.
    token: String,
}

impl Site {
    /// A site over the runs of a store with the files of their report.
    pub(crate) fn new(store: Store, manifests: Vec<Manifest>, files: Vec<OutputFile>, token: String) -> Self {
        Self {
            explored: manifests.iter().map(|_| OnceLock::new()).collect(),
            files: files.into_iter().map(|file| (file.path, file.bytes)).collect(),
            store,
            manifests,
            token,
        }
    }
}

impl Site {
    /// First part of every address.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

/// A token that nobody guesses: 128 random bits as 32 hexadecimal digits.
///
/// # Errors
/// When the system gives no random bytes.
pub(crate) fn token() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).context("the system gives no random bytes for the token")?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}

/// Answers on a listener until the user interrupts.
///
/// # Errors
/// When the server cannot run.
pub(crate) fn serve(site: Site, listener: std::net::TcpListener) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    listener.set_nonblocking(true).context("the listener cannot be used")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    runtime.context("the server cannot start")?.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        axum::serve(listener, router(Arc::new(site), address)).with_graceful_shutdown(interruption()).await
    })?;
    Ok(())
}

async fn interruption() {
    while !interrupted() {
        tokio::time::sleep(INTERRUPTION_EVERY).await;
    }
}

fn router(site: Arc<Site>, address: SocketAddr) -> Router {
    let gate = guard::Gate { site: Arc::clone(&site), address };
    Router::new()
        .route("/{token}/", get(answers::page))
        .route("/{token}/api/explore", get(answers::explore))
        .route("/{token}/api/trace", get(answers::trace))
        .route("/{token}/api/table", get(answers::table))
        .route("/{token}/{*path}", get(answers::file))
        .layer(from_fn_with_state(gate, guard::check))
        .with_state(site)
}
