//! Executes a plan: each stage's file system as a tree, each instruction's changes to it as a layer.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use super::{
    base::{Base, Bases},
    change::{Change, Layer},
    contents::Contents,
    context::{Context, ENTRIES},
    copying::Copying,
    plan::{DockerfilePlan, StageBase},
    shared::CopyOrigin,
    step::{Action, Step},
    tree::{Owner, Tree},
    users::OwnerName,
};
use crate::model::error::Result;

/// Layers that an image may have (what overlay file systems stack).
const LAYERS: usize = 127;

/// One instruction, carried out.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// Its text.
    pub instruction: String,
    /// What it changed, if anything.
    pub layer: Option<Rc<Layer>>,
}

#[derive(Clone, Default)]
struct Built {
    tree: Tree,
    done: Vec<Done>,
}

/// Where files come from.
pub(super) struct Sources<'a> {
    pub context: &'a Context,
    pub bases: &'a Bases,
    pub contents: &'a Contents<'a>,
}

/// What the target of `plan` consists of: its instructions and those of the stages it starts from, in order.
pub(super) fn assemble(plan: &DockerfilePlan, sources: &Sources) -> Result<Vec<Done>> {
    let chain: BTreeSet<usize> = plan.chain().collect();
    let of_base = plan.base().map_or(0, |(base, _)| base.layers.len());
    let mut stages: Vec<Built> = Vec::new();
    let mut images = Images {
        bases: sources.bases,
        known: HashMap::new(),
    };
    let mut entries = sources.context.tree().len();
    for (index, stage) in plan.stages.iter().enumerate() {
        let Some(stage) = stage else {
            stages.push(Built::default());
            continue;
        };
        let mut built = match &stage.base {
            StageBase::Scratch => Built::default(),
            StageBase::Stage(base) => stages[*base].clone(),
            StageBase::Image(base) => {
                let tree = images
                    .tree(base)
                    .map_err(|error| error.within(&stage.place))?;
                Built {
                    tree: (*tree).clone(),
                    done: Vec::new(),
                }
            }
        };
        entries += built.tree.len();
        for step in &stage.steps {
            let layer = run(step, sources, &stages, &mut images, &mut built.tree)?;
            entries += layer.len();
            if entries > 4 * ENTRIES {
                return Err(step.place.failed(format!(
                    "the stages come to more than {} files",
                    4 * ENTRIES
                )));
            }
            if chain.contains(&index) {
                built.add(step, layer, of_base)?;
            }
        }
        stages.push(built);
    }
    Ok(stages.swap_remove(plan.target).done)
}

/// The files of the images that a build names, each read once.
struct Images<'a> {
    bases: &'a Bases,
    known: HashMap<String, Rc<Tree>>,
}

impl Images<'_> {
    fn tree(&mut self, base: &Base) -> Result<Rc<Tree>> {
        if let Some(known) = self.known.get(&base.digest) {
            return Ok(Rc::clone(known));
        }
        let tree = Rc::new(self.bases.tree(base)?);
        self.known.insert(base.digest.clone(), Rc::clone(&tree));
        Ok(tree)
    }
}

impl Built {
    /// `of_base` is how many layers lie below.
    fn add(&mut self, step: &Step, layer: Layer, of_base: usize) -> Result<()> {
        let layer = Some(layer).filter(|layer| !layer.is_empty()).map(Rc::new);
        let instruction = step.place.text.clone();
        self.done.push(Done { instruction, layer });
        let own = self.done.iter().filter(|done| done.layer.is_some()).count();
        match of_base + own > LAYERS {
            true => Err(step
                .place
                .misuse(format!("the image has more than {LAYERS} layers"))),
            false => Ok(()),
        }
    }
}

fn run(
    step: &Step,
    sources: &Sources,
    stages: &[Built],
    images: &mut Images,
    tree: &mut Tree,
) -> Result<Layer> {
    let owner = |name: &OwnerName, tree: &Tree| -> Result<Owner> {
        let found = name.owner(|path| sources.contents.text(tree, path));
        found
            .map_err(|error| error.within(&step.place))?
            .map_err(|why| {
                step.place
                    .failed(why)
                    .hint("or write numbers, as in 65532:65532")
            })
    };
    let mut nothing = Tree::default();
    let mut change = Change {
        place: &step.place,
        tree,
        layer: Layer::new(),
    };
    match &step.action {
        Action::Describe => {}
        Action::MakeDirectory(path, name) => {
            let path = change.resolve(path)?;
            if !change.tree.is_directory(&path) {
                let owner = owner(name, change.tree)?;
                change.make_directory(&path, owner, 0o755)?;
            }
        }
        Action::Copy(copy) => {
            let image = match &copy.from {
                CopyOrigin::Image(base) => {
                    let tree = images.tree(base);
                    Some(tree.map_err(|error| error.within(&step.place))?)
                }
                _ => None,
            };
            let source = match (&copy.from, &image) {
                (_, Some(image)) => image,
                (CopyOrigin::Stage(stage), _) => &stages[*stage].tree,
                _ => sources.context.tree(),
            };
            let mut alone = Change {
                place: &step.place,
                tree: &mut nothing,
                layer: Layer::new(),
            };
            let into = match copy.link {
                true => &mut alone,
                false => &mut change,
            };
            let name = copy.owner.as_ref();
            let owner = name.map(|name| owner(name, into.tree)).transpose()?;
            Copying {
                copy,
                context: sources.context,
                source,
                owner,
                change: into,
            }
            .run()?;
            change.lay(alone.finish());
        }
    }
    Ok(change.finish())
}
