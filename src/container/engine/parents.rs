//! Which images of a batch are built on others, and how bake is told so.

use std::collections::BTreeMap;

use super::batch::{Batch, BatchImage, BatchParent, Destination, Outcome};
use crate::model::bake::BakeTarget;

/// How bake's file says that an image is one of its own targets.
const TARGET: &str = "target:";

/// The images that are still to be built, by the names of their targets.
pub(super) type Rest<'a, 'b> = BTreeMap<&'a str, (&'b BatchImage<'b>, BakeTarget)>;

/// Says in `rest` where parents are: in the same call, or where an earlier one put them. What stands on an image that was not built
/// is left out.
pub(super) fn name(
    batch: &Batch<'_>,
    names: &[String],
    rest: &mut Rest<'_, '_>,
    outcomes: &BTreeMap<String, Outcome>,
) {
    loop {
        let before = rest.len();
        let contexts = |image: &BatchImage<'_>| {
            let parents = image.parents.iter().map(|(reference, parent)| {
                let place = match parent {
                    BatchParent::InBatch(position) => {
                        in_batch(batch, names, *position, rest, outcomes)?
                    }
                    BatchParent::Found(place, digest) => found(*place, digest),
                };
                Some((familiar(reference).to_owned(), place))
            });
            parents.collect::<Option<BTreeMap<_, _>>>()
        };
        let mut all: BTreeMap<_, _> = rest
            .iter()
            .filter_map(|(name, (image, _))| Some((*name, contexts(image)?)))
            .collect();
        rest.retain(|name, (_, target)| {
            let contexts = all.remove(name);
            let is_ready = contexts.is_some();
            target.contexts = contexts.unwrap_or_default();
            is_ready
        });
        if rest.len() == before {
            return;
        }
    }
}

/// An image of the batch, if it is built or can be.
fn in_batch(
    batch: &Batch<'_>,
    names: &[String],
    position: usize,
    rest: &Rest<'_, '_>,
    outcomes: &BTreeMap<String, Outcome>,
) -> Option<String> {
    let name = &names[position];
    match outcomes.get(name) {
        Some(Outcome::Built(built, _)) => {
            let place = batch.images[position].destination;
            Some(found(place, built.digest.as_deref()?))
        }
        _ => rest
            .contains_key(name.as_str())
            .then(|| format!("{TARGET}{name}")),
    }
}

/// An image that is there, as bake's file has it (<https://docs.docker.com/build/bake/contexts/>).
fn found(place: Destination<'_>, digest: &str) -> String {
    match place {
        Destination::Repository(repository) => format!("docker-image://{repository}@{digest}"),
        Destination::Layout(layout) => format!("oci-layout://{}@{digest}", layout.display()),
    }
}

/// Whether what stands in bake's file for an image is built by the same call.
pub(super) fn is_of_the_call(context: &str) -> bool {
    context.starts_with(TARGET)
}

/// The form in which BuildKit looks for a reference among the contexts: Docker Hub's own registry goes without saying
/// (`FamiliarString` in <https://github.com/distribution/reference>).
fn familiar(reference: &str) -> &str {
    let prefixes = ["docker.io/", "index.docker.io/"];
    let short = prefixes
        .iter()
        .find_map(|prefix| reference.strip_prefix(prefix));
    match short {
        Some(short) => short.strip_prefix("library/").unwrap_or(short),
        None => reference,
    }
}

/// What stands on an image that failed, by however many steps, was not built: bake says of both that they failed.
pub(super) fn stop_children(
    batch: &Batch<'_>,
    names: &[String],
    outcomes: &mut BTreeMap<String, Outcome>,
) {
    let stopped: Vec<_> = names
        .iter()
        .zip(&batch.images)
        .filter(|(_, image)| stands_on_a_failure(image, batch, names, outcomes))
        .map(|(name, _)| name.clone())
        .collect();
    for name in stopped {
        outcomes.insert(name, Outcome::Stopped);
    }
}

fn stands_on_a_failure(
    image: &BatchImage<'_>,
    batch: &Batch<'_>,
    names: &[String],
    outcomes: &BTreeMap<String, Outcome>,
) -> bool {
    image.parents.values().any(|parent| match parent {
        BatchParent::Found(..) => false,
        BatchParent::InBatch(position) => {
            let failed = matches!(outcomes.get(&names[*position]), Some(Outcome::Failed(..)));
            failed || stands_on_a_failure(&batch.images[*position], batch, names, outcomes)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_the_form_that_buildkit_looks_for() {
        for (reference, want) in [
            ("docker.io/library/base:1", "base:1"),
            ("docker.io/shop/base:1", "shop/base:1"),
            ("index.docker.io/shop/base:1", "shop/base:1"),
            ("shop/base:1", "shop/base:1"),
            ("base:1", "base:1"),
            (
                "registry.example.com/library/base:1",
                "registry.example.com/library/base:1",
            ),
            (
                "127.0.0.1:5000/docker.io/base:1",
                "127.0.0.1:5000/docker.io/base:1",
            ),
        ] {
            assert_eq!(familiar(reference), want);
        }
    }
}
