//! A blob sent in parts (distribution specification, "Pushing a blob in chunks"), to registries, or to the proxies before them, that do
//! not take it whole. What breaks off goes on from where the registry has it.

use std::{
    cell::{Cell, RefCell},
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use ureq::{
    Body,
    http::{Method, Response, StatusCode, Uri, header},
};

use super::{
    request::{ExchangeError, RegistryRequest, RequestBody, TokenScope},
    session::Session,
};
use crate::{
    http::drain,
    model::error::{Error, Result},
};

/// The size of a part, in bytes: each is held in memory, and proxies refuse larger ones.
const SIZE: u64 = 16 << 20;

/// The largest part that a registry may insist on, in bytes.
const LARGEST: u64 = 256 << 20;

/// The least that the registry wants in each part but the last, in bytes.
const MINIMUM: &str = "oci-chunk-min-length";

/// An upload that is open.
pub(super) struct Chunks<'a> {
    session: &'a Session,
    scope: &'a TokenScope,
    /// What is done, as it stands after "cannot".
    doing: &'a str,
    body: RequestBody<'a>,
    length: u64,
    size: u64,
    /// Where the next part goes.
    location: RefCell<Uri>,
    /// How much of it the registry has.
    sent: Cell<u64>,
    /// Whether that has to be asked for: a part broke off.
    is_unsure: Cell<bool>,
}

impl<'a> Chunks<'a> {
    /// The upload of `body` that the registry opened with the answer `opened`, at `location`.
    ///
    /// # Errors
    /// Work: the content cannot be read, or the registry wants larger parts than fit into memory.
    pub(super) fn new(
        session: &'a Session,
        scope: &'a TokenScope,
        doing: &'a str,
        body: RequestBody<'a>,
        opened: &Response<Body>,
        location: Uri,
    ) -> Result<Self> {
        let minimum = opened.headers().get(MINIMUM);
        let minimum = minimum.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let size = minimum.map_or(SIZE, |minimum: u64| minimum.max(SIZE));
        if size > LARGEST {
            return Err(Error::work(format!(
                "cannot {doing}: it is wanted in parts of {size} bytes"
            )));
        }
        Ok(Self {
            session,
            scope,
            doing,
            length: length(body)?,
            body,
            size,
            location: RefCell::new(location),
            sent: Cell::new(0),
            is_unsure: Cell::new(false),
        })
    }

    /// Sends all of it. Returns where the upload is closed.
    pub(super) fn send(self) -> Result<Uri> {
        while self.sent.get() < self.length {
            let before = self.sent.get();
            self.session.transport.retry(|| self.send_part())?;
            // One that takes nothing would be sent the same for ever.
            if self.sent.get() <= before && !self.is_unsure.get() {
                return Err(Error::work(format!(
                    "cannot {}: the registry takes no part of it",
                    self.doing
                )));
            }
        }
        Ok(self.location.into_inner())
    }

    fn send_part(&self) -> Result<(), ExchangeError> {
        if self.is_unsure.get() {
            self.ask_how_far()?;
        }
        let start = self.sent.get();
        let part = part(self.body, start, self.size)?;
        let Some(last) = (start + part.len() as u64)
            .checked_sub(1)
            .filter(|_| !part.is_empty())
        else {
            return Ok(());
        };
        let location = self.location.borrow().clone();
        let request = RegistryRequest {
            body: RequestBody::Bytes {
                media_type: "application/octet-stream",
                bytes: &part,
            },
            range: Some((start, last)),
            ..RegistryRequest::bare(Method::PATCH, location)
        };
        self.is_unsure.set(true);
        let answer = self.session.exchange(&request, self.scope)?;
        match answer.status() {
            StatusCode::RANGE_NOT_SATISFIABLE => {
                drain(answer);
                let before = self.sent.get();
                self.ask_how_far()?;
                match self.sent.get() > before {
                    true => Ok(()),
                    false => Err(Error::work(format!(
                        "cannot {}: the registry has another part of it",
                        self.doing
                    ))
                    .into()),
                }
            }
            status if status.is_success() => {
                self.sent.set(last + 1);
                self.note(&request.uri, answer);
                Ok(())
            }
            _ => Err(self.session.transport.refused(self.doing, answer).into()),
        }
    }

    /// Asks what the registry has got of it ("Get Blob Upload Status").
    fn ask_how_far(&self) -> Result<(), ExchangeError> {
        let location = self.location.borrow().clone();
        let request = RegistryRequest::bare(Method::GET, location);
        let answer = self.session.exchange(&request, self.scope)?;
        if !answer.status().is_success() {
            return Err(self.session.transport.refused(self.doing, answer).into());
        }
        self.note(&request.uri, answer);
        Ok(())
    }

    /// Takes over what an answer says of the upload. A `Range` of `0-0` is said of one byte, and also of none: then it is not known
    /// to hold any.
    fn note(&self, asked: &Uri, answer: Response<Body>) {
        let field = |name| answer.headers().get(name)?.to_str().ok();
        let range = field(header::RANGE)
            .and_then(|range| range.trim_start_matches("bytes=").split_once('-'));
        if let Some(last) = range.and_then(|(_, last)| last.trim().parse::<u64>().ok()) {
            let has = if last == 0 { 0 } else { last + 1 };
            self.sent.set(has.min(self.length));
        }
        let origin = &self.session.transport.origin;
        if let Some(next) = field(header::LOCATION).and_then(|next| origin.join(asked, next)) {
            self.location.replace(next);
        }
        self.is_unsure.set(false);
        drain(answer);
    }
}

fn length(body: RequestBody) -> Result<u64> {
    match body {
        RequestBody::Empty => Ok(0),
        RequestBody::Bytes { bytes, .. } => Ok(bytes.len() as u64),
        RequestBody::File(path) => {
            let length = path.metadata().map(|about| about.len());
            length.map_err(|cause| {
                Error::work(format!("cannot read {}", path.display())).because(cause)
            })
        }
    }
}

/// At most `size` bytes from `start` on.
fn part(body: RequestBody, start: u64, size: u64) -> Result<Vec<u8>> {
    let mut part = Vec::new();
    match body {
        RequestBody::Empty => {}
        RequestBody::Bytes { bytes, .. } => {
            let rest = usize::try_from(start)
                .ok()
                .and_then(|start| bytes.get(start..));
            let mut rest = rest.unwrap_or_default().take(size);
            // Memory is always read.
            let _ = rest.read_to_end(&mut part);
        }
        RequestBody::File(path) => {
            let read = File::open(path).and_then(|mut file| {
                file.seek(SeekFrom::Start(start))?;
                file.take(size).read_to_end(&mut part)
            });
            read.map_err(|cause| {
                Error::work(format!("cannot read {}", path.display())).because(cause)
            })?;
        }
    }
    Ok(part)
}
