//! Commits that the configured URL does not give out are looked for at the one that `.gitmodules` lists, and the other way round: a
//! workspace that is used again has the URLs of an earlier commit in its configuration.

use bstr::{BStr, BString};

use super::wanted::{Fetched, Missing, WantedCommits};
use crate::{
    git::{repository::Repository, submodule::Store, url},
    model::{error::Error, fleet::without_credentials},
};

/// What is to be tried once more, at the other URL.
pub(super) struct SecondTries {
    /// The missing commits, with a submodule each.
    pub wanted: Vec<WantedCommits>,
    /// For each: which of the questions it is about, and the two places.
    places: Vec<(usize, Elsewhere)>,
}

impl SecondTries {
    /// Those of `wanted` that miss commits in `fetched`, and are listed elsewhere than where they were asked for.
    pub(super) fn of(fleet: &Repository, wanted: &[WantedCommits], fetched: &[Fetched]) -> Self {
        let mut tries = Self {
            wanted: Vec::new(),
            places: Vec::new(),
        };
        for (index, (wanted, fetched)) in wanted.iter().zip(fetched).enumerate() {
            let (name, url) = (wanted.name.as_ref(), wanted.url.as_ref());
            let elsewhere =
                || Elsewhere::of(fleet, name.map(AsRef::as_ref), url.map(AsRef::as_ref));
            if let (false, Some(places)) = (fetched.missing.is_empty(), elsewhere()) {
                let commits = fetched.missing.iter().map(|one| one.commit);
                tries.wanted.push(WantedCommits {
                    path: wanted.path.clone(),
                    // The configuration speaks of the name.
                    name: None,
                    url: Some(places.second.clone()),
                    commits: commits.collect(),
                    objects: wanted.objects.clone(),
                });
                tries.places.push((index, places));
            }
        }
        tries
    }

    /// Puts what came of them, `found`, into what came of all, `fetched`.
    pub(super) fn join(&self, found: Vec<Fetched>, fetched: &mut [Fetched]) {
        for ((index, places), (found, wanted)) in
            self.places.iter().zip(found.into_iter().zip(&self.wanted))
        {
            let first = &mut fetched[*index];
            first.store = match (first.store.take(), found.store) {
                (Some(first), Some(second)) => Some(Store::above(first, second)),
                (first, second) => first.or(second),
            };
            let before = std::mem::take(&mut first.missing);
            for second in found.missing {
                let at_first = before.iter().find(|one| one.commit == second.commit);
                let error = match at_first {
                    Some(first) => of_both(wanted, &first.error, &second, places),
                    None => second.error,
                };
                let commit = second.commit;
                first.missing.push(Missing { commit, error });
            }
        }
    }
}

/// That neither place has it, with what each of them said.
fn of_both(wanted: &WantedCommits, first: &Error, second: &Missing, places: &Elsewhere) -> Error {
    let (configured, listed) = (&places.configured, &places.listed);
    let mut said = vec![format!(
        "neither {configured}, which the fleet's configuration names, nor {listed}, which .gitmodules lists, has it"
    )];
    for error in [first, &second.error] {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        said.extend(cause.filter(|cause| !said.contains(cause)));
    }
    let path = &wanted.path;
    let error = Error::repository(format!(
        "{path}: its commit {} cannot be fetched ({configured}, {listed})",
        second.commit
    ));
    let path = path.to_string();
    let path = shlex::try_quote(&path).map_or_else(|_| path.clone(), Into::into);
    let error = error
        .because(said.join("\n"))
        .hint(format!("take the listed URL: git submodule sync -- {path}"));
    let of_listed = match places.is_listed_first {
        true => first,
        false => &second.error,
    };
    of_listed.hints().iter().fold(error, Error::hint)
}

/// Two places of one submodule: the fleet's own configuration, which an earlier run may have left, names another than
/// `.gitmodules` does.
struct Elsewhere {
    /// What the configuration names, without credentials.
    configured: BString,
    /// Where `.gitmodules` says it is, without credentials.
    listed: BString,
    /// Whether that was asked first.
    is_listed_first: bool,
    /// The URL of the other one.
    second: BString,
}

impl Elsewhere {
    /// The two places of the submodule `name`, which `.gitmodules` says is at `url`; none when they are one, or when git would
    /// not go to the listed one.
    fn of(fleet: &Repository, name: Option<&BStr>, url: Option<&BStr>) -> Option<Self> {
        let name = name?;
        let configured = url::configured(fleet, name).ok()??;
        let shown = without_credentials(configured.as_ref());
        let listed = url::source(fleet, None, url).ok()?;
        if listed.shown == shown {
            return None;
        }
        // One that was listed before gives way by itself.
        let asked = url::source(fleet, Some(name), url);
        let is_listed_first = asked.is_ok_and(|asked| asked.is_replaced);
        let second = match is_listed_first {
            true => configured,
            false => url?.to_owned(),
        };
        Some(Self {
            configured: shown,
            listed: listed.shown,
            is_listed_first,
            second,
        })
    }
}
