//! Cloning from an HTTP server in process: two requests (gitprotocol-v2(5), gitprotocol-http(5)) on a connection that the next
//! repository uses again, where `git clone` takes six processes, three requests and a connection of its own.
//!
//! It knows the ordinary case: no proxy, no client certificate, Basic authentication by the user's credential helpers. Whatever
//! else git's configuration or the server calls for is left to `git clone`, which has the last word about every failure too.

use std::{
    collections::HashMap,
    io::{self, Read},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;
use ureq::{
    Body,
    http::{HeaderValue, Request as HttpRequest, Response, StatusCode, header},
};

use super::{
    cache::Shelf,
    connected,
    layout::{self, NewClone, Refs},
};
use crate::{
    git::network::{
        configuration::Setting,
        upload_pack::{self, PackRequest},
    },
    http::{BusyServers, Client, ClientOptions, ExchangeLimits, FailureKind, drain},
    model::{
        error::Error,
        event::{Event, Events},
        fleet::without_credentials,
    },
};

mod config;
mod login;
#[cfg(any(test, fuzzing))]
pub mod properties;

use config::HttpConfig;
use login::Login;

/// Some servers give git's protocol to nobody who does not name git first.
const USER_AGENT: &str = concat!("git/2.0 (flota ", env!("CARGO_PKG_VERSION"), ")");

/// The most that a server may name of refs, in bytes.
const REFS_LIMIT: u64 = 256 << 20;

/// The most commits that a server is told of, so that it leaves out what hangs on them.
const HAVES_LIMIT: usize = 512;

/// How often a server is asked again that says when.
const RETRIES: usize = 4;

/// Why a repository did not come this way.
pub(super) enum DirectFailure {
    /// `git clone` may well bring it.
    Unfit(String),
    /// The server was silent for too long, or has no time for anybody; it would be so for git.
    Final(String),
}

/// The connections of one run, and what is known of its servers.
pub(super) struct HttpCloner<'a> {
    client: Client,
    config: HttpConfig,
    settings: Vec<Setting>,
    logins: Mutex<HashMap<BString, Arc<Mutex<ServerLogin>>>>,
    busy: BusyServers,
    patience: Duration,
    events: Events<'a>,
}

/// How one server treats one user.
#[derive(Clone, Default)]
enum ServerLogin {
    /// Nobody had to log in so far.
    #[default]
    Open,
    /// With this, and what it takes to tell the helpers that it was right.
    LoggedIn(Login),
    /// It wants what only git can do.
    Gits(String),
}

impl<'a> HttpCloner<'a> {
    /// With what the configuration that `repo` sees says of servers; `settings` is what its own file adds to the user's.
    pub(super) fn new(
        repo: &gix::Repository,
        settings: &[Setting],
        patience: Duration,
        events: Events<'a>,
    ) -> Self {
        Self {
            config: HttpConfig::new(repo, settings),
            settings: settings.to_vec(),
            client: Client::new(ClientOptions {
                user_agent: USER_AGENT,
                connect_timeout: patience,
                stall_timeout: patience,
            }),
            logins: Mutex::default(),
            busy: BusyServers::new(patience),
            patience,
            events,
        }
    }

    /// Clones what is at `address`. What lies on `shelf` is not fetched again; it is given
    /// out only to whom the server has named its refs.
    pub(super) fn clone(
        &self,
        address: &BStr,
        new: &NewClone<'_>,
        shelf: Option<&Shelf>,
    ) -> Result<(), DirectFailure> {
        let refs = self.ask(address, upload_pack::for_refs(), |answer| {
            upload_pack::read_refs(answer.take(REFS_LIMIT))
        })?;
        let refs = Refs::of(refs).map_err(unfit)?;
        let git_dir = new.git_dir();
        layout::lay(new, &refs).map_err(unfit)?;
        let tips = refs.tips();
        let haves = shelf.map_or(Vec::new(), |shelf| shelf.take(&git_dir));
        let is_here = |tip: &ObjectId| haves.binary_search(tip).is_ok();
        let wants: Vec<_> = tips.iter().copied().filter(|tip| !is_here(tip)).collect();
        if !wants.is_empty() {
            self.fetch(address, &git_dir, &wants, &haves)?;
            connected::check(&git_dir, &wants, &haves).map_err(unfit)?;
        }
        if let Some(shelf) = shelf {
            shelf.put(&git_dir, &tips);
        }
        Ok(())
    }

    fn fetch(
        &self,
        address: &BStr,
        git_dir: &Path,
        wants: &[ObjectId],
        haves: &[ObjectId],
    ) -> Result<(), DirectFailure> {
        let request = PackRequest {
            wants,
            haves: &haves[..haves.len().min(HAVES_LIMIT)],
            ..PackRequest::default()
        };
        self.ask(address, upload_pack::for_pack(&request), |answer| {
            upload_pack::read_pack(answer, |pack, shallow| {
                if !shallow.is_empty() {
                    return Err(Error::work("the repository is shallow"));
                }
                let objects = layout::adopt(git_dir, pack)?;
                (self.events)(Event::Received { objects, bytes: 0 });
                Ok(())
            })
        })
    }

    /// One request to `git-upload-pack`; once more with a password when the server wants one.
    fn ask<T>(
        &self,
        address: &BStr,
        request: Vec<u8>,
        read: impl FnOnce(&mut dyn Read) -> Result<T, String>,
    ) -> Result<T, DirectFailure> {
        let headers = self.config.headers(address).map_err(DirectFailure::Unfit)?;
        let shared = self.login_at(address);
        let known = lock(&shared).clone();
        let mut answer = self.send(address, &request, &headers, &known)?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let known = self.log_in(&shared, &known, address, &answer, |login| {
                let login = ServerLogin::LoggedIn(login.clone());
                let answer = self.send(address, &request, &headers, &login);
                answer.is_ok_and(|answer| answer.status() == StatusCode::UNAUTHORIZED)
            })?;
            drain(answer);
            answer = self.send(address, &request, &headers, &known)?;
            let mut shared = lock(&shared);
            if answer.status() == StatusCode::UNAUTHORIZED {
                if let ServerLogin::LoggedIn(login) = &known {
                    login.was_refused(&self.settings);
                }
                *shared = ServerLogin::Gits("the password was refused".to_owned());
            }
            if let ServerLogin::LoggedIn(login) = &mut *shared {
                login.was_right(&self.settings);
            }
        }
        let expected = "application/x-git-upload-pack-result";
        let kind = answer.headers().get(header::CONTENT_TYPE);
        let is_gits = kind.is_some_and(|kind| kind.as_bytes() == expected.as_bytes());
        if answer.status() != StatusCode::OK || !is_gits {
            return Err(DirectFailure::Unfit(format!(
                "it answers {}",
                answer.status()
            )));
        }
        let mut incoming = Incoming {
            // What is read is bounded by who reads it.
            body: answer
                .into_body()
                .into_with_config()
                .limit(u64::MAX)
                .reader(),
            is_silent: false,
            events: self.events,
        };
        read(&mut incoming).map_err(|said| match incoming.is_silent {
            true => DirectFailure::Final(self.silence()),
            false => DirectFailure::Unfit(said),
        })
    }

    /// One request, made again when the server says so, and as late as it says.
    fn send(
        &self,
        address: &BStr,
        request: &[u8],
        headers: &[(String, String)],
        login: &ServerLogin,
    ) -> Result<Response<Body>, DirectFailure> {
        let server = origin(address);
        for _ in 0..=RETRIES {
            if !self.busy.wait(server) {
                return Err(DirectFailure::Unfit("interrupted".to_owned()));
            }
            let answer = self.send_once(address, request, headers, login)?;
            if !self.busy.note(server, &answer) {
                return Ok(answer);
            }
            drain(answer);
        }
        let asked = RETRIES + 1;
        let busy = format!("the server is busy: asked {asked} times, it asks to try again later");
        Err(DirectFailure::Final(busy))
    }

    fn send_once(
        &self,
        address: &BStr,
        request: &[u8],
        headers: &[(String, String)],
        login: &ServerLogin,
    ) -> Result<Response<Body>, DirectFailure> {
        let uri = format!("{}/git-upload-pack", without_credentials(address));
        let mut post = HttpRequest::post(uri)
            .header("Git-Protocol", "version=2")
            .header(
                header::CONTENT_TYPE,
                "application/x-git-upload-pack-request",
            )
            .header(header::ACCEPT, "application/x-git-upload-pack-result");
        for (name, value) in headers {
            post = post.header(name, value);
        }
        match login {
            ServerLogin::Open => {}
            ServerLogin::LoggedIn(login) => {
                post = post.header(header::AUTHORIZATION, login.header())
            }
            ServerLogin::Gits(why) => return Err(DirectFailure::Unfit(why.clone())),
        }
        let post = post.body(request).map_err(unfit)?;
        // A redirect is git's to follow, by its own rules (git-config(1), `http.followRedirects`).
        let sent = self.client.send(post, ExchangeLimits::default());
        sent.map_err(|failure| match failure.kind {
            FailureKind::TimedOut => DirectFailure::Final(self.silence()),
            _ => DirectFailure::Unfit(failure.cause),
        })
    }

    fn silence(&self) -> String {
        format!("the server printed nothing for {:?}", self.patience)
    }

    /// How the server has treated the user that `address` names.
    fn login_at(&self, address: &BStr) -> Arc<Mutex<ServerLogin>> {
        let mut logins = lock(&self.logins);
        Arc::clone(logins.entry(origin(address).into()).or_default())
    }

    /// Asks the helpers once for each server, and then who is at the terminal: whoever comes meanwhile waits, and uses what they say.
    /// What was typed is tried at once: `is_refused`.
    fn log_in(
        &self,
        shared: &Mutex<ServerLogin>,
        tried: &ServerLogin,
        address: &BStr,
        answer: &Response<Body>,
        is_refused: impl FnOnce(&Login) -> bool,
    ) -> Result<ServerLogin, DirectFailure> {
        let mut shared = lock(shared);
        let is_news = match (&*shared, tried) {
            (ServerLogin::Open, _) => false,
            (ServerLogin::LoggedIn(now), ServerLogin::LoggedIn(then)) => {
                now.header() != then.header()
            }
            _ => true,
        };
        if !is_news {
            let challenges: Vec<&HeaderValue> = answer
                .headers()
                .get_all(header::WWW_AUTHENTICATE)
                .iter()
                .collect();
            *shared = match self.config.may_log_in() {
                true => match Login::find(address, &challenges, &self.settings)
                    .or_else(|_| Login::typed(address, &self.settings, is_refused))
                {
                    Ok(login) => ServerLogin::LoggedIn(login),
                    Err(why) => ServerLogin::Gits(why),
                },
                false => ServerLogin::Gits("its password is found in git's own way".to_owned()),
            };
        }
        Ok(shared.clone())
    }
}

/// The server, and the user that a URL names.
fn origin(address: &BStr) -> &BStr {
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find_byte(b'/');
    address[..end.map_or(address.len(), |end| start + end)].as_bstr()
}

/// An answer as it arrives.
struct Incoming<'a> {
    body: ureq::BodyReader<'static>,
    /// Whether it stopped arriving.
    is_silent: bool,
    events: Events<'a>,
}

impl Read for Incoming<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buffer);
        match &read {
            Ok(count) => (self.events)(Event::Received {
                objects: 0,
                bytes: *count as u64,
            }),
            Err(err) => {
                let inner = err.get_ref().and_then(|err| err.downcast_ref());
                self.is_silent |= matches!(inner, Some(ureq::Error::Timeout(_)));
            }
        }
        read
    }
}

fn unfit(why: impl std::fmt::Display) -> DirectFailure {
    DirectFailure::Unfit(why.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
