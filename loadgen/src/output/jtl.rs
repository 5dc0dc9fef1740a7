//! `JMeter`'s result file: CSV with its 17 default columns.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use faaslens_schemas::manifest::Manifest;

use super::{Output, Run, create};
use crate::error::{Error, Result};
use crate::measure::class::Class;
use crate::measure::record::Record;
use crate::profile::Site;

/// Columns in order.
const COLUMNS: [&str; 17] = [
    "timeStamp",
    "elapsed",
    "label",
    "responseCode",
    "responseMessage",
    "threadName",
    "dataType",
    "success",
    "failureMessage",
    "bytes",
    "sentBytes",
    "grpThreads",
    "allThreads",
    "URL",
    "Latency",
    "IdleTime",
    "Connect",
];

/// What the code of a request without a whole response begins with.
const NO_RESPONSE: &str = "Non HTTP response code: ";

struct Jtl {
    path: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
}

pub(super) fn open(folder: &Path, run: &Run) -> Result<Box<dyn Output>> {
    let path = folder.join(&run.jtl);
    let mut writer = csv::WriterBuilder::new().from_writer(create(&path)?);
    writer.write_record(COLUMNS).map_err(|error| refused(&path, error))?;
    Ok(Box::new(Jtl { path, writer }))
}

fn refused(path: &Path, error: csv::Error) -> Error {
    Error::io("write", path)(std::io::Error::other(error))
}

impl Output for Jtl {
    fn take(&mut self, record: &Record, site: &Site) -> Result<()> {
        let ms = |duration: Duration| duration.as_millis().to_string();
        let (code, message) = response(record);
        let transaction = site.transaction;
        let assertion = matches!(record.class, Class::Assertion | Class::Capture) && !transaction;
        // As JMeter, which knows what it sent from the response.
        let sent = if code.starts_with(NO_RESPONSE) { 0 } else { record.bytes_sent };
        let connected = record.secured.or(record.connected).unwrap_or_default();
        let row = [
            (record.sent.micros().div_euclid(1000)).to_string(),
            ms(record.elapsed),
            site.label.clone(),
            code,
            message,
            record.thread.clone(),
            if transaction { "" } else { "text" }.to_owned(),
            record.class.success().to_string(),
            if assertion { record.message.clone() } else { String::new() },
            record.bytes_received.to_string(),
            sent.to_string(),
            record.group_threads.to_string(),
            record.threads.to_string(),
            if transaction { "null".to_owned() } else { record.url.clone() },
            ms(record.first_byte.unwrap_or_default()),
            ms(record.idle),
            ms(connected),
        ];
        self.writer.write_record(&row).map_err(|error| refused(&self.path, error))
    }

    fn finish(mut self: Box<Self>) -> Result<Option<Manifest>> {
        self.writer.flush().map_err(Error::io("write", &self.path))?;
        Ok(None)
    }
}

/// Code and message: those of the response, or in the manner of `JMeter` for a request without a whole one.
fn response(record: &Record) -> (String, String) {
    let status = record.status.map(|status| status.to_string()).unwrap_or_default();
    match record.class {
        Class::Assertion | Class::Capture if !record.url.is_empty() => {
            let phrase = record.status.and_then(|status| http::StatusCode::from_u16(status).ok()?.canonical_reason());
            (status, phrase.unwrap_or_default().to_owned())
        }
        Class::Ok | Class::Status3xx | Class::Status4xx | Class::Status5xx | Class::Assertion => {
            (status, record.message.clone())
        }
        class => {
            let (exception, message) = exception(record, class);
            (format!("{NO_RESPONSE}{exception}"), format!("Non HTTP response message: {message}"))
        }
    }
}

/// What `JMeter`'s client throws, and what that says.
fn exception(record: &Record, class: Class) -> (&'static str, String) {
    let url = record.url.split_once("://").map_or("", |(_, rest)| rest);
    let host = url.split('/').next().unwrap_or_default();
    let unconnected = |why: &str| {
        let address = record.message.split(": ").next().and_then(|text| text.parse::<std::net::SocketAddr>().ok());
        let address = address.map(|address| address.ip().to_string()).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let name = if name == address { "" } else { name };
        format!("Connect to {host} [{name}/{address}] failed: {why}")
    };
    match class {
        Class::ConnectRefused => ("org.apache.http.conn.HttpHostConnectException", unconnected("Connection refused")),
        Class::ConnectTimeout => ("org.apache.http.conn.ConnectTimeoutException", unconnected("Connect timed out")),
        Class::ResponseTimeout | Class::BodyTimeout => ("java.net.SocketTimeoutException", "Read timed out".to_owned()),
        Class::Reset => ("java.net.SocketException", "Connection reset".to_owned()),
        Class::Closed => ("org.apache.http.NoHttpResponseException", format!("{host} failed to respond")),
        Class::Dns => ("java.net.UnknownHostException", host.to_owned()),
        Class::Protocol => ("org.apache.http.client.ClientProtocolException", "null".to_owned()),
        Class::Tls => ("javax.net.ssl.SSLHandshakeException", record.message.clone()),
        other => (other.name(), record.message.clone()),
    }
}
