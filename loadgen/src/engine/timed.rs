//! A connection that notes when bytes pass and how many.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What passed over a connection.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// The first byte read since it was last reset.
    first_byte: Cell<Option<Instant>>,
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
}

impl Meter {
    /// Begins a request.
    pub(crate) fn reset(&self) {
        self.first_byte.set(None);
        self.bytes_in.set(0);
        self.bytes_out.set(0);
    }

    /// When the first byte of the response was read.
    pub(crate) fn first_byte(&self) -> Option<Instant> {
        self.first_byte.get()
    }

    /// Bytes read, headers included.
    pub(crate) fn bytes_in(&self) -> u64 {
        self.bytes_in.get()
    }

    /// Bytes written, headers included.
    pub(crate) fn bytes_out(&self) -> u64 {
        self.bytes_out.get()
    }
}

/// What lies under a connection.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that notes when bytes pass.
#[derive(Debug)]
pub(crate) struct Timed {
    transport: Transport,
    meter: Rc<Meter>,
}

impl Timed {
    pub(crate) fn new(transport: Transport, meter: Rc<Meter>) -> Self {
        Self { transport, meter }
    }

    fn inner(&mut self) -> Pin<&mut (dyn Stream + '_)> {
        match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream),
            Transport::Tls(stream) => Pin::new(&mut **stream),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

impl AsyncRead for Timed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = this.inner().poll_read(cx, buffer);
        let read = buffer.filled().len() - before;
        if read > 0 {
            if this.meter.first_byte.get().is_none() {
                this.meter.first_byte.set(Some(Instant::now()));
            }
            this.meter.bytes_in.set(this.meter.bytes_in.get() + read as u64);
        }
        result
    }
}

impl AsyncWrite for Timed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = this.inner().poll_write(cx, buffer);
        if let Poll::Ready(Ok(written)) = result {
            this.meter.bytes_out.set(this.meter.bytes_out.get() + written as u64);
        }
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = this.inner().poll_write_vectored(cx, buffers);
        if let Poll::Ready(Ok(written)) = result {
            this.meter.bytes_out.set(this.meter.bytes_out.get() + written as u64);
        }
        result
    }

    fn is_write_vectored(&self) -> bool {
        matches!(self.transport, Transport::Plain(_))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().inner().poll_shutdown(cx)
    }
}
