//! A plan divided among the jobs of a CI system: one leg a job.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    num::NonZeroUsize,
};

use bstr::{BStr, ByteSlice};

use super::{
    change::Action,
    error::Result,
    image_edge::ImageEdges,
    plan::{Plan, Step},
    step_id::StepId,
};

/// The longest id that Azure Pipelines takes for a leg; nothing else takes less.
const ID_LIMIT: usize = 100;

/// Room that a number behind an id needs.
const NUMBER_ROOM: usize = 8;

/// What one job builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg<'a> {
    /// `[A-Za-z][A-Za-z0-9_]{0,99}`, and no other leg of the plan has the same, in whatever case.
    pub id: String,
    /// The steps, sorted by path; at least one.
    pub steps: Vec<&'a Step>,
    /// The same as words.
    pub words: Vec<StepId>,
}

impl<'a> Leg<'a> {
    /// The legs of what `plan` builds, one a step, or at most `most`: then the image builds are dealt out first, since they
    /// take longest. Services that `edges` join share a leg, for one is built on the image that the other's build made.
    ///
    /// # Errors
    /// A step has no commit to build.
    pub fn of(plan: &'a Plan, edges: &ImageEdges, most: Option<NonZeroUsize>) -> Result<Vec<Self>> {
        let mut joined = joined(plan.builds().collect(), edges);
        let count = most.map_or(joined.len(), |most| most.get().min(joined.len()));
        if count < joined.len() {
            joined.sort_by_key(|steps| {
                let action = steps.iter().map(|step| step.action).max();
                std::cmp::Reverse((action, steps.len()))
            });
        }
        let mut dealt: Vec<Vec<&Step>> = vec![Vec::new(); count];
        for steps in joined {
            // To the shortest; of several, the first.
            if let Some(leg) = dealt.iter_mut().min_by_key(|leg| leg.len()) {
                leg.extend(steps);
            }
        }
        for steps in &mut dealt {
            steps.sort_by(|a, b| a.path.cmp(&b.path));
        }
        dealt.sort_by(|a, b| a[0].path.cmp(&b[0].path));

        let mut ids = Ids::default();
        let leg = |steps: Vec<&'a Step>| {
            Ok(Self {
                id: ids.next(steps[0].name.as_ref()),
                words: steps
                    .iter()
                    .map(|step| StepId::of(step))
                    .collect::<Result<_>>()?,
                steps,
            })
        };
        dealt.into_iter().map(leg).collect()
    }

    /// Its only step, if it has one.
    pub fn only(&self) -> Option<&'a Step> {
        match self.steps[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The most that is done to any of its services.
    pub fn action(&self) -> Action {
        let actions = self.steps.iter().map(|step| step.action);
        actions.max().unwrap_or(Action::None)
    }

    /// Its steps for `flota build --step`.
    pub fn joined(&self) -> String {
        let words: Vec<_> = self.words.iter().map(StepId::to_string).collect();
        words.join(",")
    }
}

/// The steps, those together whose images build on each other, in the plan's order. Only images are handed from one to another.
fn joined<'a>(steps: Vec<&'a Step>, edges: &ImageEdges) -> Vec<Vec<&'a Step>> {
    let paths: Vec<&BStr> = steps.iter().map(|step| step.path.as_ref()).collect();
    let is_image = |step: &Step| step.action == Action::Image;
    let images: BTreeSet<&BStr> = steps
        .iter()
        .filter(|step| is_image(step))
        .map(|step| step.path.as_ref())
        .collect();
    let mut groups = BTreeMap::<usize, Vec<&Step>>::new();
    let numbers = edges.among(&images).groups(&paths);
    for (step, number) in steps.into_iter().zip(numbers) {
        groups.entry(number).or_default().push(step);
    }
    groups.into_values().collect()
}

/// Gives out ids that differ, whatever becomes of the names they are made of.
#[derive(Default)]
struct Ids {
    /// Each id in lower case, with how often it was asked for.
    taken: HashMap<String, usize>,
}

impl Ids {
    fn next(&mut self, name: &BStr) -> String {
        let plain = Self::plain(name);
        let mut id = plain.clone();
        while self.taken.contains_key(&id.to_ascii_lowercase()) {
            let times = self.taken.entry(plain.to_ascii_lowercase()).or_default();
            *times += 1;
            id = format!("{plain}_{times}");
        }
        self.taken.insert(id.to_ascii_lowercase(), 1);
        id
    }

    /// The name with `_` for everything that no id may hold.
    fn plain(name: &BStr) -> String {
        let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let name = name.to_str_lossy();
        let mut id: String = name
            .chars()
            .map(fits)
            .take(ID_LIMIT - NUMBER_ROOM)
            .collect();
        if !id.starts_with(|c: char| c.is_ascii_alphabetic()) {
            id.insert(0, 's');
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use gix::ObjectId;

    use super::*;
    use crate::model::{
        change::{End, Reason},
        success::Exceptions,
    };

    #[test]
    fn ids_differ_whatever_the_names() {
        let long = "x".repeat(300);
        let names = [
            "cart", "cart", "Cart", "cart_2", "cart-2", "cart.2", "cart_2_2", "1", "", "é", "_",
            "s_", "$(x)", "##vso[x]", "a\nb", &long, &long,
        ];
        let mut ids = Ids::default();
        let given: Vec<_> = names
            .iter()
            .map(|name| ids.next(BStr::new(*name)))
            .collect();
        let different: HashSet<_> = given.iter().map(|id| id.to_ascii_lowercase()).collect();
        assert_eq!(different.len(), names.len(), "{given:?}");
        for id in &given {
            let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
            assert!(id.starts_with(|c: char| c.is_ascii_alphabetic()), "{id}");
            assert!(id.len() <= ID_LIMIT && id.chars().all(inside), "{id}");
        }
        assert_eq!(given[..3], ["cart", "cart_2", "Cart_3"]);
        // No more is cut off than a number needs.
        assert_eq!(given[15].len(), ID_LIMIT - NUMBER_ROOM);
    }

    #[test]
    fn builds_are_dealt_out_images_first_and_none_twice() {
        let step = |(name, action): (&str, Action)| Step {
            name: name.into(),
            path: name.into(),
            action,
            reason: Reason::CodeChanged,
            commit: Some(ObjectId::null(gix::hash::Kind::Sha1)),
            code: None,
            config: None,
            url: None,
        };
        let steps = [
            ("a", Action::Chart),
            ("b", Action::Image),
            ("c", Action::Retire),
            ("d", Action::Image),
            ("e", Action::Chart),
        ];
        let plan = Plan {
            base: None,
            head: End {
                rev: "HEAD".into(),
                commit: ObjectId::null(gix::hash::Kind::Sha1),
            },
            exceptions: Exceptions::default(),
            steps: steps.map(step).into(),
            unaffected: 0,
            warnings: Vec::new(),
            unread: Vec::new(),
        };
        for (most, want) in [
            (None, "a, b, d, e"),
            (NonZeroUsize::new(9), "a, b, d, e"),
            (NonZeroUsize::new(4), "a, b, d, e"),
            // Both images begin at once; each chart goes to one of them.
            (NonZeroUsize::new(2), "a b, d e"),
            (NonZeroUsize::new(1), "a b d e"),
        ] {
            let legs = Leg::of(&plan, &ImageEdges::default(), most).unwrap();
            let names = |leg: &Leg<'_>| bstr::join(" ", leg.steps.iter().map(|step| &step.name));
            let dealt: Vec<_> = legs.iter().map(names).collect();
            assert_eq!(bstr::join(", ", dealt).as_bstr(), want, "{most:?}");
            for leg in &legs {
                assert_eq!(leg.only().is_some(), leg.steps.len() == 1);
                let read: Vec<StepId> = leg
                    .joined()
                    .split(',')
                    .map(|word| word.parse().unwrap())
                    .collect();
                assert_eq!(read, leg.words);
            }
        }

        // b builds on d; a chart alone needs nobody's image, and what is retired none at all.
        let mut edges = ImageEdges::default();
        for (child, parent) in [("b", "d"), ("a", "b"), ("c", "d")] {
            edges.add(child.into(), [parent.into()]);
        }
        for (most, want) in [
            (None, "a, b d, e"),
            (NonZeroUsize::new(3), "a, b d, e"),
            (NonZeroUsize::new(2), "a e, b d"),
            (NonZeroUsize::new(1), "a b d e"),
        ] {
            let legs = Leg::of(&plan, &edges, most).unwrap();
            let names = |leg: &Leg<'_>| bstr::join(" ", leg.steps.iter().map(|step| &step.name));
            let dealt: Vec<_> = legs.iter().map(names).collect();
            assert_eq!(bstr::join(", ", dealt).as_bstr(), want, "{most:?}");
        }
    }
}
