//! Serves on `PORT` until SIGTERM or Ctrl-C, then finishes the requests it has begun.

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
    // Before anything is served: a signal that comes first is not lost.
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

/// Every address of both families, or of the old one where the machine lacks the new.
async fn listen(port: u16) -> io::Result<TcpListener> {
    let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let old = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    TcpListener::bind([both, old].as_slice()).await
}
