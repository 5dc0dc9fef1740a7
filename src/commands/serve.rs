//! `faaslens serve`: the page over a whole store, for one reader.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context;
use clap::Args;
use faaslens_analyze::results::RowsTaken;
use faaslens_report::{ImageFormat, Options};

use crate::analysis::pooled_responses;
use crate::cli::{RunArguments, warn_of_missing_analysis};
use crate::outcome::Outcome;
use crate::printer::Printer;
use crate::progress::catch_interruption;
use crate::rendering;
use crate::serving::{Site, serve, token};

const EXAMPLES: &str = "\
Examples:
  faaslens serve --store out/store
  faaslens serve --store out/store --run shop-1 --port 8080

Prints an address with a random token that changes with every start; whoever has it can read the store, nobody can change
it. Ctrl-C ends the server. Each trace is read from the store when it is opened, so nothing is left out.";

/// Serves the page over a whole store, without sampling, to this machine only.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    runs: RunArguments,
    /// Port; a free one when not given.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Address of the interface to listen on. Any other than loopback lets other machines in: they need the token, but the
    /// connection is not encrypted.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
}

impl Arguments {
    /// Renders, listens, prints the address, answers until interrupted.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let (store, manifests) = self.runs.select(printer)?;
        anyhow::ensure!(!manifests.is_empty(), "{}: no complete run to serve", store.root().display());
        warn_of_missing_analysis(&manifests, printer);
        let address = SocketAddr::new(self.bind, self.port);
        let listener = TcpListener::bind(address).with_context(|| format!("{address}: cannot listen"))?;
        catch_interruption()?;
        let responses = pooled_responses(&store, &manifests, &[], RowsTaken::Successes)?;
        let mut input = rendering::input(&store, &manifests, responses)?;
        input.served = true;
        let options = Options { formats: vec![ImageFormat::Svg], ..Options::default() };
        let files = faaslens_report::render(&input, &options)?;
        drop(input);
        let site = Site::new(store, manifests, files, token()?);
        site.explored(0)?;
        if !self.bind.is_loopback() {
            printer.warning(&format!(
                "listening on {}: other machines can connect, and what they are sent is not encrypted",
                self.bind
            ));
        }
        let shown = listener.local_addr().context("the listener has no address")?;
        printer.text(&format!("http://{shown}/{}/\n", site.token()))?;
        printer.note("open the address in a browser; Ctrl-C ends");
        serve(site, listener)?;
        Ok(Outcome::Done)
    }
}
