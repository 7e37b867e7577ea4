//! Name lookup, sockets and TLS; every wait also watches for a signal.
//!
//! The libraries' own block in the system until their time limit: an [`Agent`](ureq::Agent) can be shut down by another thread,
//! but not while it asks for a host's addresses or connects (`ureq::Agent::shutdown`).

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use ureq::{
    Timeout,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{
            Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers,
            NextTimeout, RustlsConnector, Transport,
        },
    },
};

use super::wait::{TICK, Wait};

/// The least time for one of a host's addresses.
const SHORTEST_TRY: Duration = Duration::from_millis(10);

/// Connections to a server or through a proxy, with TLS where the scheme says so.
pub(super) fn connector() -> impl Connector {
    ().chain(ConnectProxyConnector::default())
        .chain(TcpConnector)
        .chain(TlsConnector::default())
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let (uri, config) = (uri.clone(), config.clone());
        Wait::new(timeout).on_a_thread(move || {
            DefaultResolver::default().resolve(&uri, &config, NextTimeout::default())
        })
    }
}

#[derive(Debug)]
struct TcpConnector;

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, TcpTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // The tunnel that a proxy has opened.
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let (addresses, longest) = (details.addrs.to_vec(), *details.timeout.after);
        let stream =
            Wait::new(details.timeout).on_a_thread(move || connect(&addresses, longest))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TICK))?;
        stream.set_write_timeout(Some(TICK))?;
        let config = details.config;
        Ok(Some(Either::B(TcpTransport {
            stream,
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
        })))
    }
}

/// TLS, whose settings are the same for all of a client's requests: the machine's trusted authorities are read once.
#[derive(Debug, Default)]
struct TlsConnector(RustlsConnector);

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = <RustlsConnector as Connector<In>>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let shared = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            // What comes with a request would be thrown away with it.
            request_level: false,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        self.0.connect(&shared, chained)
    }
}

/// Connects to the first of `addresses` that answers. One that does not takes half of the time that is left, the last all.
fn connect(addresses: &[SocketAddr], longest: Duration) -> Result<TcpStream, ureq::Error> {
    let began = Instant::now();
    let mut failure = io::Error::from(ErrorKind::ConnectionRefused);
    for (number, address) in (1..).zip(addresses) {
        let left = longest.saturating_sub(began.elapsed());
        let share = if number < addresses.len() {
            left / 2
        } else {
            left
        };
        match TcpStream::connect_timeout(address, share.max(SHORTEST_TRY)) {
            Ok(stream) => return Ok(stream),
            Err(err) => failure = err,
        }
    }
    match failure.kind() {
        ErrorKind::TimedOut => Err(ureq::Error::Timeout(Timeout::Connect)),
        _ => Err(failure.into()),
    }
}

/// A socket whose reads and writes return after each tick.
#[derive(Debug)]
struct TcpTransport {
    stream: TcpStream,
    buffers: LazyBuffers,
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let mut rest = &self.buffers.output()[..amount];
        let mut wait = Wait::new(timeout.for_write());
        while !rest.is_empty() {
            wait.check()?;
            match self.stream.write(rest) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(written) => {
                    rest = &rest[written..];
                    wait.restart();
                }
                Err(err) if is_tick(&err) => {}
                Err(err) => return Err(err.into()),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let wait = Wait::new(timeout.for_read());
        loop {
            wait.check()?;
            match self.stream.read(self.buffers.input_append_buf()) {
                Ok(read) => {
                    self.buffers.input_appended(read);
                    return Ok(read > 0);
                }
                Err(err) if is_tick(&err) => {}
                Err(err) => return Err(err.into()),
            }
        }
    }

    /// Whether it may be used again: the server has neither closed it nor said what nobody asked for.
    fn is_open(&mut self) -> bool {
        let is_silent = |stream: &mut TcpStream| {
            stream.set_nonblocking(true)?;
            let read = stream.read(&mut [0]);
            stream.set_nonblocking(false)?;
            Ok::<_, io::Error>(matches!(read, Err(err) if err.kind() == ErrorKind::WouldBlock))
        };
        is_silent(&mut self.stream).unwrap_or(false)
    }
}

/// Whether a call returned only so that somebody looks for a signal.
fn is_tick(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_address_that_refuses_does_not_keep_from_the_next() {
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let (open, refuses) = (open.local_addr().unwrap(), closed.local_addr().unwrap());
        drop(closed);
        let longest = Duration::from_secs(60);
        let stream = connect(&[refuses, refuses, open], longest).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        match connect(&[refuses], longest) {
            Err(ureq::Error::Io(err)) => assert_eq!(err.kind(), ErrorKind::ConnectionRefused),
            other => panic!("{other:?}"),
        }
        assert!(connect(&[], longest).is_err());
    }
}
