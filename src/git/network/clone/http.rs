//! Cloning from an HTTP server in process: two requests (gitprotocol-v2(5), gitprotocol-http(5)) on a connection that the next
//! repository uses again, where `git clone` takes six processes, three requests and a connection of its own.
//!
//! It knows the ordinary case: no proxy, no client certificate, Basic authentication by the user's credential helpers. Whatever
//! else git's configuration or the server calls for is left to `git clone`, which has the last word about every failure too.

use std::{
    collections::HashMap,
    io::{self, Read},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use bstr::{BStr, BString, ByteSlice};
use gix::ObjectId;
use ureq::{
    Agent, Body,
    http::{HeaderValue, Request as HttpRequest, Response, StatusCode, header},
    tls::{RootCerts, TlsConfig},
};

use super::{
    cache::Shelf,
    connected,
    layout::{self, Refs},
};
use crate::{
    git::network::{
        configuration::Setting,
        upload_pack::{self, PackRequest},
    },
    interrupt,
    model::{
        error::Error,
        event::{Event, Events},
        fleet::without_credentials,
    },
};

mod busy;
mod login;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod rules;

use busy::Busy;
use login::Login;
use rules::Rules;

/// Some servers give git's protocol to nobody who does not name git first.
const USER_AGENT: &str = concat!("git/2.0 (flota ", env!("CARGO_PKG_VERSION"), ")");

/// The most that a server may name of refs, in bytes.
const REFS_LIMIT: u64 = 256 << 20;

/// The most commits that a server is told of, so that it leaves out what hangs on them.
const HAVES_LIMIT: usize = 512;

/// How often a server is asked again that says when.
const RETRIES: usize = 4;

/// How often the watch looks for a signal.
const TICK: Duration = Duration::from_millis(50);

/// Why a repository did not come this way.
pub(super) enum Refusal {
    /// `git clone` may well bring it.
    Unfit(String),
    /// The server was silent for too long, or has no time for anybody; it would be so for git.
    Final(String),
}

/// The connections of one run, and what is known of its servers.
pub(super) struct Http<'a> {
    agent: Agent,
    rules: Rules,
    settings: Vec<Setting>,
    standings: Mutex<HashMap<BString, Arc<Mutex<Standing>>>>,
    busy: Busy,
    patience: Duration,
    events: Events<'a>,
    /// Ends the watch when it is dropped.
    _alive: mpsc::Sender<()>,
}

/// How one server treats one user.
#[derive(Clone, Default)]
enum Standing {
    /// Nobody had to log in so far.
    #[default]
    Open,
    /// With this, and what it takes to tell the helpers that it was right.
    LoggedIn(Login),
    /// It wants what only git can do.
    Gits(String),
}

impl<'a> Http<'a> {
    /// With what the configuration that `repo` sees says of servers; `settings` is what its own file adds to the user's.
    pub fn new(
        repo: &gix::Repository,
        settings: &[Setting],
        patience: Duration,
        events: Events<'a>,
    ) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_idle_connections(usize::MAX)
            .max_idle_connections_per_host(usize::MAX)
            .timeout_resolve(Some(patience))
            .timeout_connect(Some(patience))
            .timeout_per_read(Some(patience))
            .timeout_per_write(Some(patience))
            .user_agent(USER_AGENT)
            .build()
            .new_agent();
        Self {
            _alive: watch(agent.clone()),
            rules: Rules::new(repo, settings),
            settings: settings.to_vec(),
            agent,
            standings: Mutex::default(),
            busy: Busy::new(patience),
            patience,
            events,
        }
    }

    /// Clones what is at `address`, and is called `url`, into `into`. What lies on `shelf` is not fetched again; it is given
    /// out only to whom the server has named its refs.
    pub fn clone(
        &self,
        address: &BStr,
        url: &BStr,
        into: &Path,
        file_system: &[(&'static str, BString)],
        shelf: Option<&Shelf>,
    ) -> Result<(), Refusal> {
        let refs = self.ask(address, upload_pack::for_refs(), |answer| {
            upload_pack::read_refs(answer.take(REFS_LIMIT))
        })?;
        let refs = Refs::of(refs).map_err(unfit)?;
        let git_dir = into.join(".git");
        layout::lay(&git_dir, url, &refs, file_system).map_err(unfit)?;
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
    ) -> Result<(), Refusal> {
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
    ) -> Result<T, Refusal> {
        let headers = self.rules.headers(address).map_err(Refusal::Unfit)?;
        let standing = self.standing(address);
        let known = lock(&standing).clone();
        let mut answer = self.send(address, &request, &headers, &known)?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let known = self.log_in(&standing, &known, address, &answer)?;
            answer = self.send(address, &request, &headers, &known)?;
            let mut standing = lock(&standing);
            if answer.status() == StatusCode::UNAUTHORIZED {
                if let Standing::LoggedIn(login) = &known {
                    login.was_refused(&self.settings);
                }
                *standing = Standing::Gits("the password was refused".to_owned());
            }
            if let Standing::LoggedIn(login) = &mut *standing {
                login.was_right(&self.settings);
            }
        }
        let expected = "application/x-git-upload-pack-result";
        let kind = answer.headers().get(header::CONTENT_TYPE);
        let is_gits = kind.is_some_and(|kind| kind.as_bytes() == expected.as_bytes());
        if answer.status() != StatusCode::OK || !is_gits {
            return Err(Refusal::Unfit(format!("it answers {}", answer.status())));
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
            true => Refusal::Final(self.silence()),
            false => Refusal::Unfit(said),
        })
    }

    /// One request, made again when the server says so, and as late as it says.
    fn send(
        &self,
        address: &BStr,
        request: &[u8],
        headers: &[(String, String)],
        standing: &Standing,
    ) -> Result<Response<Body>, Refusal> {
        let server = origin(address);
        for _ in 0..=RETRIES {
            if !self.busy.wait(server) {
                return Err(Refusal::Unfit("interrupted".to_owned()));
            }
            let answer = self.send_once(address, request, headers, standing)?;
            if !self.busy.note(server, &answer) {
                return Ok(answer);
            }
        }
        let asked = RETRIES + 1;
        let busy = format!("the server is busy: asked {asked} times, it says to come back later");
        Err(Refusal::Final(busy))
    }

    fn send_once(
        &self,
        address: &BStr,
        request: &[u8],
        headers: &[(String, String)],
        standing: &Standing,
    ) -> Result<Response<Body>, Refusal> {
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
        match standing {
            Standing::Open => {}
            Standing::LoggedIn(login) => post = post.header(header::AUTHORIZATION, login.header()),
            Standing::Gits(why) => return Err(Refusal::Unfit(why.clone())),
        }
        let post = post.body(request).map_err(unfit)?;
        self.agent.run(post).map_err(|err| match err {
            ureq::Error::Timeout(_) => Refusal::Final(self.silence()),
            err => Refusal::Unfit(err.to_string()),
        })
    }

    fn silence(&self) -> String {
        format!("the server said nothing for {:?}", self.patience)
    }

    /// How the server has treated the user that `address` names.
    fn standing(&self, address: &BStr) -> Arc<Mutex<Standing>> {
        let mut standings = lock(&self.standings);
        Arc::clone(standings.entry(origin(address).into()).or_default())
    }

    /// Asks the helpers once for each server: whoever comes meanwhile waits, and uses what they say.
    fn log_in(
        &self,
        standing: &Mutex<Standing>,
        tried: &Standing,
        address: &BStr,
        answer: &Response<Body>,
    ) -> Result<Standing, Refusal> {
        let mut standing = lock(standing);
        let is_news = match (&*standing, tried) {
            (Standing::Open, _) => false,
            (Standing::LoggedIn(now), Standing::LoggedIn(then)) => now.header() != then.header(),
            _ => true,
        };
        if !is_news {
            let challenges: Vec<&HeaderValue> = answer
                .headers()
                .get_all(header::WWW_AUTHENTICATE)
                .iter()
                .collect();
            *standing = match self.rules.may_log_in() {
                true => match Login::find(address, &challenges, &self.settings) {
                    Ok(login) => Standing::LoggedIn(login),
                    Err(why) => Standing::Gits(why),
                },
                false => Standing::Gits("its password is found in git's own way".to_owned()),
            };
        }
        Ok(standing.clone())
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

/// Breaks connections off once flota is interrupted, until the sender is dropped.
fn watch(agent: Agent) -> mpsc::Sender<()> {
    let (alive, ended) = mpsc::channel();
    thread::spawn(move || {
        while let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(TICK) {
            if interrupt::pending().is_some() {
                return agent.shutdown();
            }
        }
    });
    alive
}

fn unfit(why: impl std::fmt::Display) -> Refusal {
    Refusal::Unfit(why.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
