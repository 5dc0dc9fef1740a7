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
            record.bytes_sent.to_string(),
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

/// Code and message: those of the response, or in the manner of `JMeter` for a request without one.
fn response(record: &Record) -> (String, String) {
    if let Some(status) = record.status {
        let phrase = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let message =
            if record.url.is_empty() { record.message.clone() } else { phrase.unwrap_or_default().to_owned() };
        return (status.to_string(), message);
    }
    let exception = match record.class {
        Class::ConnectRefused => "org.apache.http.conn.HttpHostConnectException",
        Class::ConnectTimeout => "org.apache.http.conn.ConnectTimeoutException",
        Class::ResponseTimeout | Class::BodyTimeout => "java.net.SocketTimeoutException",
        Class::Reset => "java.net.SocketException",
        Class::Closed => "org.apache.http.NoHttpResponseException",
        Class::Dns => "java.net.UnknownHostException",
        Class::Tls => "javax.net.ssl.SSLHandshakeException",
        other => other.name(),
    };
    (format!("Non HTTP response code: {exception}"), format!("Non HTTP response message: {}", record.message))
}
