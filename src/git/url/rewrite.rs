//! `url.<base>.insteadOf` and `pushInsteadOf` (git-config(1)): where git goes for a URL.

use bstr::{BStr, BString, ByteSlice};

/// Where `url` leads by the rules of `key`, which is `insteadOf` or `pushInsteadOf`: the longest value that `url` begins with
/// gives way to its base, and the first of several that are as long; none where no value fits.
pub(in crate::git) fn rewritten(
    config: &gix::config::File,
    key: &'static str,
    url: &BStr,
) -> Option<BString> {
    let rules = config
        .sections_by_name("url")
        .into_iter()
        .flatten()
        .filter_map(|section| Some((section.header().subsection_name()?, section)));
    let fitting = rules
        .flat_map(|(base, section)| {
            section
                .values(key)
                .into_iter()
                .map(move |prefix| (prefix, base))
        })
        .filter(|(prefix, _)| url.starts_with(prefix));
    let longest = fitting.reduce(|one, other| match other.0.len() > one.0.len() {
        true => other,
        false => one,
    });
    let (prefix, base) = longest?;
    Some([base.as_bytes(), &url[prefix.len()..]].concat().into())
}
