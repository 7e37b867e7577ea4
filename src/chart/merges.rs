//! Merges (`<<`) around an image: Helm reads them, and an edit of one mapping does not reach the other.

use super::yaml::{Kind, Node, YamlFault, scalar::MERGE_KEY};

/// Refuses merges that make the written mapping differ from the one a template sees.
pub(super) fn check(root: &Node, path: &[String]) -> Result<(), YamlFault> {
    let shown = path.join(".");
    let mut node = root;
    for key in path {
        let Some(value) = node.get(key) else {
            return match node.get(MERGE_KEY) {
                Some(merge) => Err(merge.fault(format!(
                    "`{shown}` may come from this merge; write it in full, so that it can be set",
                ))),
                None => Ok(()),
            };
        };
        node = value;
    }
    let image = node;
    if let Some(merge) = image.get(MERGE_KEY) {
        return Err(merge.fault(format!(
            "`{shown}` merges another mapping; write its keys in full, so that they can be set",
        )));
    }
    if image.anchor == 0 {
        return Ok(());
    }
    let mut merged = None;
    root.walk(&mut |node| {
        if let Some(merge) = node.get(MERGE_KEY) {
            merge.walk(&mut |part| {
                if matches!(part.kind, Kind::Alias(anchor) if anchor == image.anchor) {
                    merged = Some(part);
                }
            });
        }
    });
    match merged {
            Some(part) => Err(part.fault(format!(
                "the `{shown}` mapping is merged here and would set a wrong image; write the keys in full"
            ))),
            None => Ok(()),
        }
}
