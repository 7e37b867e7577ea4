//! Serves on `PORT` until SIGTERM or Ctrl-C, then finishes the running requests.

use std::{
    env, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

#[tokio::main]
async fn main() -> io::Result<()> {
    let port = match env::var("PORT") {
        Ok(port) => port.parse().map_err(io::Error::other)?,
        Err(_) => 8080,
    };
    let listener = listen(port).await?;
    // Before the server starts, so that an early signal is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    println!("listening on port {}", listener.local_addr()?.port());

    axum::serve(listener, service::routes())
        .with_graceful_shutdown(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            println!("stopping");
        })
        .await
}

/// All IPv4 and IPv6 addresses, or only IPv4 if the machine has no IPv6.
async fn listen(port: u16) -> io::Result<TcpListener> {
    let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let old = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    TcpListener::bind([both, old].as_slice()).await
}
