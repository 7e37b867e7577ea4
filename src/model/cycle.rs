//! Circles among things that point at others of their kind.

use std::collections::BTreeSet;

/// The first cycle that can be reached from `nodes`, its first node repeated at the end; `None` if there is none.
///
/// A depth-first walk with a stack of its own: the length of a chain is the repository's choice, the thread's stack is not.
pub fn first<N: Ord + Copy, I: Iterator<Item = N>>(
    nodes: impl IntoIterator<Item = N>,
    next: impl Fn(N) -> I,
) -> Option<Vec<N>> {
    let mut settled = BTreeSet::new();
    nodes
        .into_iter()
        .find_map(|start| from(start, &next, &mut settled))
}

fn from<N: Ord + Copy, I: Iterator<Item = N>>(
    start: N,
    next: &impl Fn(N) -> I,
    settled: &mut BTreeSet<N>,
) -> Option<Vec<N>> {
    let mut on_path = BTreeSet::from([start]);
    let mut path = vec![(start, next(start))];
    while let Some((node, rest)) = path.last_mut() {
        let node = *node;
        match rest.next() {
            None => {
                settled.insert(node);
                on_path.remove(&node);
                path.pop();
            }
            Some(to) if settled.contains(&to) => {}
            Some(to) if on_path.insert(to) => path.push((to, next(to))),
            Some(to) => {
                let nodes = path.iter().map(|(node, _)| *node);
                return Some(nodes.skip_while(|node| *node != to).chain([to]).collect());
            }
        }
    }
    None
}
