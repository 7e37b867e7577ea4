//! What registries do in their own way, a row each: a push ends well with all of them. The double answers as the OCI distribution
//! specification says, but for the quirk of the row.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use flota::model::{error::Error, exit::Exit, reference::Reference};

use super::{
    digest,
    fake::{Answer, Asked, Fake, status},
    put_image, registry, whole,
};

const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// What the double has.
#[derive(Default)]
struct Stored {
    blobs: BTreeMap<String, String>,
    /// By tag and by digest.
    manifests: BTreeMap<String, String>,
    /// By number.
    uploads: BTreeMap<String, String>,
    /// What a quirk counts.
    count: usize,
}

/// What a quirk answers in place of the specification.
type Quirk = fn(&Asked, &mut Stored) -> Option<Answer>;

struct Double {
    fake: Fake,
    stored: Arc<Mutex<Stored>>,
}

impl Double {
    fn new(quirk: impl Fn(&Asked, &mut Stored) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let stored = Arc::new(Mutex::new(Stored::default()));
        let memory = Arc::clone(&stored);
        let fake = Fake::start(move |asked, _| {
            let mut stored = memory.lock().unwrap();
            quirk(asked, &mut stored).unwrap_or_else(|| by_the_book(asked, &mut stored))
        });
        Self { fake, stored }
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap()
    }

    fn name(&self) -> Reference {
        Reference::parse(&format!("{}/acme/web:v1", self.fake.address)).unwrap()
    }

    /// Pushes an image of one layer, as a build does: it looks for it first. Returns the image's digest.
    fn push(&self, layer: &[u8], login: Option<&str>) -> Result<String, Error> {
        let (registry, _folder) = registry(&self.fake.address, login);
        let layout = tempfile::tempdir().unwrap();
        let image = put_image(layout.path(), layer);
        registry.resolve(&self.name())?;
        registry.push_layout(layout.path(), &image, &[self.name()])?;
        Ok(image)
    }

    /// The same, which ends well: the image is there, whole and under its tag.
    fn takes(&self, layer: &[u8], login: Option<&str>, row: &str) {
        let image = self
            .push(layer, login)
            .unwrap_or_else(|error| panic!("{row}: {}\n{:#?}", whole(&error), self.asked()));
        let stored = self.stored();
        let manifest = &stored.manifests["v1"];
        assert_eq!(digest(manifest.as_bytes()), image, "{row}");
        let is_layer = |blob: &String| blob.as_bytes() == layer;
        assert!(
            stored.blobs.values().any(is_layer),
            "{row}: {:?}",
            stored.blobs.keys()
        );
        assert_eq!(stored.blobs.len(), 2, "{row}");
    }

    /// What was asked, without bodies.
    fn asked(&self) -> Vec<String> {
        let asked = self.fake.asked().into_iter();
        asked
            .map(|asked| format!("{} {}", asked.method, asked.path))
            .collect()
    }

    fn count(&self, method: &str) -> usize {
        self.fake
            .asked()
            .iter()
            .filter(|asked| asked.method == method)
            .count()
    }
}

fn with(code: u16, headers: &[(&'static str, &str)]) -> Answer {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    Answer::With(code, headers.collect(), String::new())
}

/// The digest that a request ends an upload with.
fn digest_in(path: &str) -> Option<&str> {
    Some(path.split_once("digest=")?.1)
}

/// The number of the upload that a request is about.
fn upload_in(path: &str) -> Option<&str> {
    path.split_once("/uploads/")?
        .1
        .split('?')
        .next()
        .filter(|number| !number.is_empty())
}

fn by_the_book(asked: &Asked, stored: &mut Stored) -> Answer {
    let path = asked.path.as_str();
    match (asked.method.as_str(), upload_in(path)) {
        ("POST", None) if path.contains("/uploads/") => {
            let number = stored.uploads.len().to_string();
            stored.uploads.insert(number.clone(), String::new());
            with(
                202,
                &[("Location", &format!("/v2/acme/web/blobs/uploads/{number}"))],
            )
        }
        ("PATCH", Some(number)) => {
            let Some(upload) = stored.uploads.get_mut(number) else {
                return status(404);
            };
            let start = asked
                .content_range
                .as_deref()
                .and_then(|range| range.split_once('-'));
            if start.is_some_and(|(start, _)| start != upload.len().to_string()) {
                return status(416);
            }
            upload.push_str(&asked.body);
            progress(202, path, upload)
        }
        ("GET", Some(number)) => match stored.uploads.get(number) {
            Some(upload) => progress(204, path, upload),
            None => status(404),
        },
        ("PUT", Some(number)) => {
            let Some(mut upload) = stored.uploads.remove(number) else {
                return status(404);
            };
            upload.push_str(&asked.body);
            keep(asked, stored, upload)
        }
        ("PUT", None) => {
            let name = path.rsplit_once('/').unwrap().1.to_owned();
            let digest = digest(asked.body.as_bytes());
            for name in [name, digest.clone()] {
                stored.manifests.insert(name, asked.body.clone());
            }
            with(201, &[("Docker-Content-Digest", &digest)])
        }
        ("HEAD" | "GET", None) => {
            let name = path.rsplit_once('/').unwrap().1;
            let kept = match path.contains("/manifests/") {
                true => stored.manifests.get(name),
                false => stored.blobs.get(name),
            };
            let Some(body) = kept else { return status(404) };
            let digest = digest(body.as_bytes());
            let headers = vec![
                ("Docker-Content-Digest", digest),
                ("Content-Type", MEDIA_TYPE.to_owned()),
            ];
            Answer::With(200, headers, body.clone())
        }
        _ => status(405),
    }
}

fn progress(code: u16, path: &str, upload: &str) -> Answer {
    let range = format!("0-{}", upload.len().saturating_sub(1));
    with(code, &[("Location", path), ("Range", &range)])
}

/// The end of an upload.
fn keep(asked: &Asked, stored: &mut Stored, upload: String) -> Answer {
    let named = digest_in(&asked.path).unwrap_or_default();
    if digest(upload.as_bytes()) != named {
        return Answer::With(
            400,
            Vec::new(),
            r#"{"errors": [{"code": "DIGEST_INVALID"}]}"#.to_owned(),
        );
    }
    stored.blobs.insert(named.to_owned(), upload);
    status(201)
}

fn is_blob(asked: &Asked) -> bool {
    asked.path.contains("/blobs/sha256:")
}

fn is_manifest(asked: &Asked) -> bool {
    asked.path.contains("/manifests/")
}

/// Whether a request sends a whole blob.
fn is_whole(asked: &Asked) -> bool {
    asked.method == "PUT" && !asked.body.is_empty() && digest_in(&asked.path).is_some()
}

#[test]
fn a_push_ends_well_whatever_the_registry_does_its_own_way() {
    let rows: [(&str, Quirk); 25] = [
        ("nothing", |_, _| None),
        // Artifactory (google/go-containerregistry#1691) denies what does not exist; ours is logged in: see below for who is not.
        ("HEAD of a manifest is not allowed", |asked, _| {
            (asked.method == "HEAD" && is_manifest(asked)).then(|| status(405))
        }),
        ("HEAD is not implemented", |asked, _| {
            (asked.method == "HEAD").then(|| status(501))
        }),
        ("HEAD of a blob is not allowed", |asked, _| {
            (asked.method == "HEAD" && is_blob(asked)).then(|| status(405))
        }),
        ("HEAD of a blob that is not there is denied", |asked, _| {
            (asked.method == "HEAD" && is_blob(asked)).then(|| status(403))
        }),
        ("HEAD of a blob is a bad request", |asked, _| {
            (asked.method == "HEAD" && is_blob(asked)).then(|| status(400))
        }),
        // Specification: "MAY be relative".
        ("a location that goes on from the path", |asked, stored| {
            let number = stored.uploads.len().to_string();
            (asked.method == "POST").then(|| {
                stored.uploads.insert(number.clone(), String::new());
                with(202, &[("Location", &number)])
            })
        }),
        // Quay, GitLab and the reference implementation keep a state in it.
        ("a location with a query", |asked, stored| {
            let number = stored.uploads.len().to_string();
            (asked.method == "POST").then(|| {
                stored.uploads.insert(number.clone(), String::new());
                let location = format!("/v2/acme/web/blobs/uploads/{number}?_state=a%2Fb%3D&x=");
                with(202, &[("Location", &location)])
            })
        }),
        (
            "a location without a path",
            |asked, stored| match upload_in(&asked.path) {
                None if asked.method == "POST" => Some(with(202, &[("Location", "?_state=abc")])),
                None if asked.path.contains("?_state=abc&digest=") => {
                    Some(keep(asked, stored, asked.body.clone()))
                }
                _ => None,
            },
        ),
        // Docker's hub and others end an upload with any success.
        ("an upload that ends with 204", |asked, stored| {
            is_whole(asked).then(|| {
                keep(asked, stored, asked.body.clone());
                status(204)
            })
        }),
        (
            "no digest in any answer",
            |asked, stored| match by_the_book(asked, stored) {
                Answer::With(code, mut headers, body) => {
                    headers.retain(|(name, _)| *name != "Docker-Content-Digest");
                    Some(Answer::With(code, headers, body))
                }
                other => Some(other),
            },
        ),
        // Proxies limit a request (Cloudflare: 100 MB), and so does GitHub's registry.
        ("a whole blob is too large", |asked, _| {
            is_whole(asked).then(|| status(413))
        }),
        ("a whole blob is not allowed", |asked, _| {
            is_whole(asked).then(|| status(405))
        }),
        ("a whole blob is not implemented", |asked, _| {
            is_whole(asked).then(|| status(501))
        }),
        ("a whole blob is no range", |asked, _| {
            is_whole(asked).then(|| status(416))
        }),
        ("an upload that is gone", |asked, stored| {
            stored.count += usize::from(is_whole(asked));
            (is_whole(asked) && stored.count == 1).then(|| status(404))
        }),
        ("parts that move on", |asked, stored| {
            match asked.method.as_str() {
                "PUT" if is_whole(asked) => Some(status(413)),
                "PATCH" => {
                    let number = upload_in(&asked.path).unwrap();
                    let upload = stored.uploads.remove(number).unwrap() + &asked.body;
                    let next = format!("{number}0");
                    let answer = progress(
                        202,
                        &format!("/v2/acme/web/blobs/uploads/{next}?again"),
                        &upload,
                    );
                    stored.uploads.insert(next, upload);
                    Some(answer)
                }
                _ => None,
            }
        }),
        (
            "parts without a range in the answer",
            |asked, stored| match asked.method.as_str() {
                "PUT" if is_whole(asked) => Some(status(413)),
                "PATCH" => {
                    let number = upload_in(&asked.path).unwrap();
                    stored
                        .uploads
                        .get_mut(number)
                        .unwrap()
                        .push_str(&asked.body);
                    Some(status(202))
                }
                _ => None,
            },
        ),
        (
            "a part of which half is taken",
            |asked, stored| match asked.method.as_str() {
                "PUT" if is_whole(asked) => Some(status(413)),
                "PATCH" if asked.body.len() > 1 => {
                    let number = upload_in(&asked.path).unwrap();
                    let upload = stored.uploads.get_mut(number).unwrap();
                    upload.push_str(&asked.body[..asked.body.len() / 2 + 1]);
                    Some(progress(202, &asked.path, upload))
                }
                _ => None,
            },
        ),
        (
            "a part that breaks off goes on",
            |asked, stored| match asked.method.as_str() {
                "PUT" if is_whole(asked) => Some(status(413)),
                "PATCH" if stored.count < 2 => {
                    stored.count += 1;
                    let number = upload_in(&asked.path).unwrap();
                    let upload = stored.uploads.get_mut(number).unwrap();
                    upload.push_str(&asked.body[..asked.body.len() / 2 + 1]);
                    Some(Answer::HangUp)
                }
                _ => None,
            },
        ),
        (
            "a part that is there already",
            |asked, stored| match asked.method.as_str() {
                "PUT" if is_whole(asked) => Some(status(413)),
                "PATCH" if stored.count == 0 => {
                    stored.count += 1;
                    let number = upload_in(&asked.path).unwrap();
                    stored
                        .uploads
                        .get_mut(number)
                        .unwrap()
                        .push_str(&asked.body[..3]);
                    Some(status(416))
                }
                _ => None,
            },
        ),
        ("failures that pass", |asked, stored| {
            stored.count += usize::from(asked.method == "PUT");
            let codes = [500, 408, 429, 503];
            let code = codes.get(stored.count.wrapping_sub(1) / 2).copied();
            let is_turn = asked.method == "PUT" && stored.count % 2 == 1;
            code.filter(|_| is_turn)
                .map(|code| with(code, &[("Retry-After", "0")]))
        }),
        // Harbor answers 412, ECR 400, others 409.
        (
            "a tag that somebody else wrote meanwhile",
            |asked, stored| {
                let is_ours = asked.method == "PUT" && is_manifest(asked);
                is_ours.then(|| {
                    by_the_book(asked, stored);
                    status(412)
                })
            },
        ),
        ("a busy registry that says when", |_, stored| {
            stored.count += 1;
            (stored.count % 4 == 1).then(|| with(429, &[("Retry-After", "0")]))
        }),
        ("a manifest that is accepted", |asked, stored| {
            (asked.method == "PUT" && is_manifest(asked)).then(|| {
                by_the_book(asked, stored);
                status(202)
            })
        }),
    ];
    for (row, quirk) in rows {
        let double = Double::new(quirk);
        double.takes(b"a layer", None, row);
        // What is there is not sent again.
        let before = double
            .fake
            .asked()
            .iter()
            .filter(|asked| is_whole(asked))
            .count();
        double.takes(b"a layer", None, row);
        let is_blind = row.starts_with("HEAD of a blob") || row == "HEAD is not implemented";
        let after = double
            .fake
            .asked()
            .iter()
            .filter(|asked| is_whole(asked))
            .count();
        assert!(before == after || is_blind, "{row}");
    }
}

#[test]
fn what_is_there_is_not_sent() {
    let rows: [(&str, Quirk); 6] = [
        // Registries that keep blobs elsewhere send there.
        ("301", |asked, _| {
            (asked.method == "HEAD" && is_blob(asked))
                .then(|| with(301, &[("Location", "https://storage.example/x")]))
        }),
        ("302", |asked, _| {
            (asked.method == "HEAD" && is_blob(asked))
                .then(|| with(302, &[("Location", "https://storage.example/x")]))
        }),
        ("303", |asked, _| {
            (asked.method == "HEAD" && is_blob(asked))
                .then(|| with(303, &[("Location", "https://storage.example/x")]))
        }),
        ("307", |asked, _| {
            (asked.method == "HEAD" && is_blob(asked))
                .then(|| with(307, &[("Location", "https://storage.example/x")]))
        }),
        ("308", |asked, _| {
            (asked.method == "HEAD" && is_blob(asked))
                .then(|| with(308, &[("Location", "https://storage.example/x")]))
        }),
        // Specification: it was mounted.
        ("201", |asked, _| {
            (asked.method == "POST").then(|| with(201, &[("Location", "/v2/acme/web/blobs/x")]))
        }),
    ];
    for (row, quirk) in rows {
        let double = Double::new(quirk);
        let pushed = double.push(b"a layer", None);
        assert!(pushed.is_ok(), "{row}: {}", whole(&pushed.unwrap_err()));
        assert!(!double.fake.asked().iter().any(is_whole), "{row}");
    }
}

/// The reference implementation of Google, and Cloudflare's, want parts of some size.
#[test]
fn parts_are_as_long_as_the_registry_wants_them() {
    const WANTED: usize = 17 << 20;
    let layer = "x".repeat(2 * WANTED + 5);
    let double = Double::new(|asked, stored| match asked.method.as_str() {
        "PUT" if is_whole(asked) => Some(status(413)),
        "POST" => match by_the_book(asked, stored) {
            Answer::With(code, mut headers, body) => {
                headers.push(("OCI-Chunk-Min-Length", WANTED.to_string()));
                Some(Answer::With(code, headers, body))
            }
            other => Some(other),
        },
        _ => None,
    });
    double.takes(layer.as_bytes(), None, "parts");
    let asked = double.fake.asked();
    let parts = asked
        .iter()
        .filter(|asked| asked.method == "PATCH" && asked.body.starts_with('x'));
    let ranges: Vec<_> = parts
        .map(|part| part.content_range.as_deref().unwrap().to_owned())
        .collect();
    let want = [
        (0, WANTED - 1),
        (WANTED, 2 * WANTED - 1),
        (2 * WANTED, 2 * WANTED + 4),
    ];
    assert_eq!(ranges, want.map(|(first, last)| format!("{first}-{last}")));

    let greedy = Double::new(|asked, _| match asked.method.as_str() {
        "PUT" if is_whole(asked) => Some(status(413)),
        "POST" => Some(with(
            202,
            &[
                ("Location", "/v2/acme/web/blobs/uploads/0"),
                ("OCI-Chunk-Min-Length", "999999999999"),
            ],
        )),
        _ => None,
    });
    let error = greedy.push(b"a layer", None).unwrap_err();
    assert!(
        error.to_string().contains("parts of 999999999999 bytes"),
        "{error}"
    );
    assert_eq!(greedy.count("PATCH"), 0);
}

#[test]
fn a_registry_that_takes_nothing_is_given_up() {
    let rows: [(&str, Quirk); 4] = [
        ("says that it has none", |asked, _| {
            (asked.method == "PATCH").then(|| with(202, &[("Range", "0-0")]))
        }),
        ("says that it has others", |asked, _| {
            (asked.method == "PATCH").then(|| status(416))
        }),
        ("refuses", |asked, _| {
            (asked.method == "PATCH").then(|| status(403))
        }),
        ("breaks off", |asked, _| {
            (asked.method == "PATCH").then_some(Answer::HangUp)
        }),
    ];
    for (row, quirk) in rows {
        let double = Double::new(move |asked, stored| match is_whole(asked) {
            true => Some(status(413)),
            false => quirk(asked, stored),
        });
        assert!(double.push(b"a layer", None).is_err(), "{row}");
        assert!(
            double.fake.asked().len() < 30,
            "{row}: {:#?}",
            double.asked()
        );
        assert!(
            double.stored().blobs.is_empty() && double.stored().manifests.is_empty(),
            "{row}"
        );
    }
}

/// What fails for good in mid-push is the registry's: it is named, after as many tries as there are, each when it wants to be asked.
#[test]
fn a_registry_that_stays_busy_in_mid_push_is_named() {
    let rows: [(&str, Quirk); 4] = [
        ("429 at an upload", |asked, _| {
            (asked.method == "POST").then(|| with(429, &[("Retry-After", "1")]))
        }),
        ("500 at an upload", |asked, _| {
            (asked.method == "POST").then(|| status(500))
        }),
        ("429 at the manifest", |asked, _| {
            let is_it = asked.method == "PUT" && is_manifest(asked);
            is_it.then(|| with(429, &[("Retry-After", "1")]))
        }),
        ("500 at the manifest", |asked, _| {
            (asked.method == "PUT" && is_manifest(asked)).then(|| status(500))
        }),
    ];
    for (row, quirk) in rows {
        let double = Double::new(quirk);
        let started = Instant::now();
        let error = double.push(b"a layer", None).unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable, "{row}: {}", whole(&error));
        assert!(
            whole(&error).contains(&double.fake.address),
            "{row}: {}",
            whole(&error)
        );
        assert!(double.stored().manifests.is_empty(), "{row}");
        if row.starts_with("429") {
            assert!(started.elapsed() >= Duration::from_secs(2), "{row}");
        }
    }
}

/// A registry that asks for tokens of the token server at `realm`; `allows` is told what a token is for.
fn guarded(
    realm: String,
    challenge: fn(&str, &Asked) -> Vec<String>,
    allows: fn(&Asked, &str, &Stored) -> bool,
) -> Double {
    Double::new(move |asked, stored| {
        let token = asked
            .authorization
            .as_deref()
            .and_then(|value| value.strip_prefix("Bearer "));
        match token.is_some_and(|token| allows(asked, token, stored)) {
            true => {
                stored.count += usize::from(asked.method == "POST");
                None
            }
            false => {
                let headers = challenge(&realm, asked)
                    .into_iter()
                    .map(|value| ("WWW-Authenticate", value));
                Some(Answer::With(401, headers.collect(), String::new()))
            }
        }
    })
}

/// Tokens that say what they are for, and which one they are; `form` is the answer, with `{}` for the token.
fn token_server(form: &'static str) -> Fake {
    Fake::start(move |asked, before| {
        let scopes = asked
            .path
            .replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%2F", "/");
        let scopes = scopes
            .split_once('?')
            .map_or("", |(_, query)| query)
            .replace(['&', '='], ".");
        Answer::With(
            200,
            Vec::new(),
            form.replace("{}", &format!("{before}.{scopes}")),
        )
    })
}

fn one_challenge(realm: &str, asked: &Asked) -> Vec<String> {
    let actions = match asked.method.as_str() {
        "HEAD" | "GET" => "pull",
        _ => "pull,push",
    };
    vec![format!(
        "Bearer realm=\"{realm}\",service=\"r\",scope=\"repository:acme/web:{actions}\""
    )]
}

/// Quay: somebody with a token for `pull` is not told that a repository does not exist (helm/helm#32144, helm/helm#31567).
#[test]
fn who_pushes_asks_for_that_from_the_start() {
    let tokens = token_server("{\"token\": \"{}\"}");
    let realm = format!("http://{}/token", tokens.address);
    let double = guarded(realm, one_challenge, |_, token, _| {
        token.contains("pull,push")
    });
    double.takes(b"a layer", Some("me:secret"), "Quay");
    // And one token does for all of it.
    assert_eq!(tokens.asked().len(), 1);
}

#[test]
fn every_form_of_a_challenge_is_understood() {
    type Challenge = fn(&str, &Asked) -> Vec<String>;
    let rows: [(&str, Challenge, &str); 7] = [
        (
            "several headers",
            |realm, _| {
                vec![
                    "Negotiate".into(),
                    "Basic realm=\"x\"".into(),
                    format!("Bearer realm=\"{realm}\""),
                ]
            },
            "acme/web:pull,push",
        ),
        (
            "one that nobody understands",
            |realm, _| {
                vec![
                    "Bearer realm=\"unclosed".into(),
                    format!("Bearer realm=\"{realm}\""),
                ]
            },
            "acme/web:pull,push",
        ),
        (
            "one without a realm",
            |realm, _| {
                vec![
                    "Bearer service=\"x\"".into(),
                    format!("Bearer realm=\"{realm}\""),
                ]
            },
            "acme/web:pull,push",
        ),
        (
            "several in one header",
            |realm, _| {
                vec![format!(
                    "Basic realm=\"x\", bearer realm=\"{realm}\", service=r"
                )]
            },
            "acme/web:pull,push",
        ),
        (
            "several scopes",
            |realm, _| {
                vec![format!(
                    "Bearer realm=\"{realm}\",scope=\"repository:acme/base:pull repository:acme/web:pull\""
                )]
            },
            "acme/web:pull,push",
        ),
        (
            "an empty scope",
            |realm, _| vec![format!("Bearer realm=\"{realm}\",scope=\"\"")],
            "acme/web:pull,push",
        ),
        // Gitea.
        (
            "a scope of its own",
            |realm, _| {
                vec![format!(
                    "Bearer realm=\"{realm}\",service=\"container_registry\",scope=\"*\""
                )]
            },
            "scope.%2A",
        ),
    ];
    for (row, challenge, scope) in rows {
        let tokens = token_server("{\"token\": \"{}\"}");
        let realm = format!("http://{}/token?account=x", tokens.address);
        let double = guarded(realm, challenge, |_, token, _| token.contains("scope."));
        double.takes(b"a layer", Some("me:secret"), row);
        let first = double
            .fake
            .asked()
            .into_iter()
            .find_map(|asked| asked.authorization);
        assert!(
            first.unwrap().contains(scope),
            "{row}: {:?}",
            tokens.asked()
        );
    }
}

#[test]
fn a_token_has_either_name() {
    for form in [
        "{\"token\": \"{}\"}",
        "{\"access_token\": \"{}\", \"expires_in\": 60, \"issued_at\": \"2020-01-01T00:00:00Z\"}",
        "{\"token\": \"\", \"access_token\": \"{}\"}",
        "{\"token\": null, \"access_token\": \"{}\"}",
        "{\"access_token\": \"{}\", \"token\": \"{}\"}",
    ] {
        let tokens = token_server(form);
        let double = guarded(
            format!("http://{}/token", tokens.address),
            one_challenge,
            |_, _, _| true,
        );
        double.takes(b"a layer", None, form);
    }
}

/// Tokens live for some minutes, and a layer may take longer: the upload that is open goes on with the next one.
#[test]
fn a_token_that_expires_in_mid_push_is_replaced() {
    let tokens = token_server("{\"token\": \"{}\"}");
    let realm = format!("http://{}/token", tokens.address);
    // The first one ends with the first upload that it opened.
    let double = guarded(realm, one_challenge, |_, token, stored| {
        stored.count == 0 || !token.starts_with("0.")
    });
    double.takes(b"a layer", Some("me:secret"), "expired");
    assert_eq!(tokens.asked().len(), 2);
    assert_eq!(double.count("POST"), 2, "{:#?}", double.asked());
}

/// The same of a busy token server.
#[test]
fn a_token_server_is_asked_again_when_it_is_busy() {
    for code in [429, 500, 503] {
        let tokens = Fake::start(move |_, before| match before {
            0 => with(code, &[("Retry-After", "0")]),
            _ => Answer::With(200, Vec::new(), "{\"token\": \"t\"}".to_owned()),
        });
        let double = guarded(
            format!("http://{}/token", tokens.address),
            one_challenge,
            |_, _, _| true,
        );
        double.takes(b"a layer", None, &code.to_string());
        assert_eq!(tokens.asked().len(), 2, "{code}");
    }
}

/// Artifactory denies a tag that does not exist (google/go-containerregistry#1691). Who has no login is told so before a build.
#[test]
fn a_denial_is_absence_for_who_is_logged_in_and_may_push() {
    let quirk: Quirk = |asked, stored| {
        if asked.authorization.is_none() {
            return Some(with(401, &[("WWW-Authenticate", "Basic realm=\"x\"")]));
        }
        let is_look_up = asked.method == "HEAD" && is_manifest(asked);
        match by_the_book(asked, stored) {
            Answer::With(404, ..) if is_look_up => Some(status(403)),
            answer => Some(answer),
        }
    };
    Double::new(quirk).takes(b"a layer", Some("me:secret"), "Artifactory");

    let error = Double::new(quirk).push(b"a layer", None).unwrap_err();
    assert_eq!(error.exit(), Exit::Unavailable);

    // Who may not push is told so by what is sent.
    let reader = Double::new(|asked, _| match asked.authorization {
        None => Some(with(401, &[("WWW-Authenticate", "Basic realm=\"x\"")])),
        Some(_) => Some(status(403)),
    });
    let error = reader.push(b"a layer", Some("me:secret")).unwrap_err();
    assert_eq!(error.exit(), Exit::Unavailable);
    assert_eq!(
        error.hints(),
        [format!("docker login {}", reader.fake.address)]
    );
    let methods: BTreeSet<_> = reader
        .fake
        .asked()
        .into_iter()
        .map(|asked| asked.method)
        .collect();
    assert!(!methods.contains("PUT"), "{methods:?}");
}

/// What a registry says of a tag that may not change is an error, with its own words.
#[test]
fn a_tag_that_may_not_change_is_an_error() {
    for code in [400, 409, 412] {
        let double = Double::new(move |asked, _| {
            let complaint = r#"{"errors": [{"code": "TAG_INVALID", "message": "immutable"}]}"#;
            let is_tag = asked.method == "PUT" && is_manifest(asked);
            is_tag.then(|| Answer::With(code, Vec::new(), complaint.to_owned()))
        });
        let error = double.push(b"a layer", None).unwrap_err();
        assert_eq!(error.exit(), Exit::WorkFailed, "{code}");
        assert!(
            whole(&error).contains("immutable"),
            "{code}: {}",
            whole(&error)
        );
    }
}

/// The storage that an upload is sent to, and every further step of it, gets no login.
#[test]
fn parts_elsewhere_go_without_the_login() {
    let stored = Arc::new(Mutex::new(Stored::default()));
    stored
        .lock()
        .unwrap()
        .uploads
        .extend(["0", "1", "2", "3"].map(|number| (number.to_owned(), String::new())));
    let memory = Arc::clone(&stored);
    let storage = Fake::start(move |asked, _| match is_whole(asked) {
        true => status(413),
        false => by_the_book(asked, &mut memory.lock().unwrap()),
    });
    let place = format!("http://{}/v2/storage/blobs/uploads/", storage.address);
    let double =
        Double::new(
            move |asked, stored| match (&asked.authorization, asked.method.as_str()) {
                (None, _) => Some(with(401, &[("WWW-Authenticate", "Basic realm=\"x\"")])),
                (_, "POST") => {
                    stored.count += 1;
                    Some(with(
                        202,
                        &[("Location", &format!("{place}{}", stored.count - 1))],
                    ))
                }
                _ => None,
            },
        );
    double.push(b"a layer", Some("me:secret")).unwrap();
    assert!(
        stored
            .lock()
            .unwrap()
            .blobs
            .contains_key(&digest(b"a layer"))
    );
    let asked = storage.asked();
    assert!(
        asked.iter().any(|asked| asked.method == "PATCH"),
        "{asked:?}"
    );
    assert!(
        asked.iter().all(|asked| asked.authorization.is_none()),
        "{asked:?}"
    );
}
