//! Executes a plan: each stage's file system as a tree, each instruction's changes to it as a layer.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    change::{Change, Layer},
    context::{Context, ENTRIES},
    copying::Copying,
    plan::{DockerfilePlan, Stage},
    step::{Action, Step},
    tree::Tree,
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

/// What the target of `plan` consists of: its instructions and those of the stages it starts from, in order.
pub(super) fn assemble(plan: &DockerfilePlan, context: &Context) -> Result<Vec<Done>> {
    let chain = chain(plan);
    let mut stages: Vec<Built> = Vec::new();
    let mut entries = context.tree().len();
    for (index, stage) in plan.stages.iter().enumerate() {
        let Some(stage) = stage else {
            stages.push(Built::default());
            continue;
        };
        let mut built = stage
            .base
            .map_or_else(Built::default, |base| stages[base].clone());
        entries += built.tree.len();
        for step in &stage.steps {
            let layer = run(step, context, &stages, &mut built.tree)?;
            entries += layer.len();
            if entries > 4 * ENTRIES {
                return Err(step.place.failed(format!(
                    "the stages come to more than {} files",
                    4 * ENTRIES
                )));
            }
            if chain.contains(&index) {
                built.add(step, layer)?;
            }
        }
        stages.push(built);
    }
    Ok(stages.swap_remove(plan.target).done)
}

/// The target and the stages below it, whose layers the image has.
fn chain(plan: &DockerfilePlan) -> BTreeSet<usize> {
    let base = |&index: &usize| {
        plan.stages[index]
            .as_ref()
            .and_then(|stage: &Stage| stage.base)
    };
    std::iter::successors(Some(plan.target), base).collect()
}

impl Built {
    fn add(&mut self, step: &Step, layer: Layer) -> Result<()> {
        let layer = Some(layer).filter(|layer| !layer.is_empty()).map(Rc::new);
        let instruction = step.place.text.clone();
        self.done.push(Done { instruction, layer });
        match self.done.iter().filter(|done| done.layer.is_some()).count() > LAYERS {
            true => Err(step
                .place
                .misuse(format!("the image has more than {LAYERS} layers"))),
            false => Ok(()),
        }
    }
}

fn run(step: &Step, context: &Context, stages: &[Built], tree: &mut Tree) -> Result<Layer> {
    let mut nothing = Tree::default();
    let mut change = Change {
        place: &step.place,
        tree,
        layer: Layer::new(),
    };
    match &step.action {
        Action::Describe => {}
        Action::MakeDirectory(path, owner) => {
            let path = change.resolve(path)?;
            change.make_directory(&path, *owner, 0o755)?;
        }
        Action::Copy(copy) => {
            let source = copy
                .from
                .map_or(context.tree(), |stage| &stages[stage].tree);
            let mut alone = Change {
                place: &step.place,
                tree: &mut nothing,
                layer: Layer::new(),
            };
            Copying {
                copy,
                context,
                source,
                change: match copy.link {
                    true => &mut alone,
                    false => &mut change,
                },
            }
            .run()?;
            change.lay(alone.finish());
        }
    }
    Ok(change.finish())
}
